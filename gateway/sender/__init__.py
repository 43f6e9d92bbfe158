"""Who sent a mail, as far as the DNS and trusted servers can tell: SPF, DKIM, DMARC and ARC."""
