"""A language is told when it is sure, and only then."""

from __future__ import annotations

import pytest

from normalizer import language


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("ja", "注文した靴がまだ届きません。"),
        ("ja", "Hello キャンセル please"),
        ("ja", "ｷｬﾝｾﾙ"),
        ("en", "Hello, my order has not arrived yet, please help"),
        ("en", "hi, pls cancel order 123 and refund me"),
        ("de", "Wo bleibt meine Bestellung? Ich warte seit zwei Wochen."),
        ("fr", "Bonjour, je voudrais annuler ma commande"),
        ("es", "Buenos días, quisiera saber dónde está mi paquete."),
        ("it", "Buongiorno, non ho ancora ricevuto il mio ordine."),
        ("pt", "Olá, ainda não recebi a minha encomenda."),
        ("nl", "Goedendag, ik heb mijn bestelling nog niet ontvangen."),
        ("sv", "Hej, jag har inte fått mitt paket ännu. När kommer det?"),
        ("da", "Hvor er min pakke? Jeg har ikke fået den endnu"),
        ("no", "Hei, når kommer pakken min? Jeg har ikke fått noen melding ennå."),
        ("fi", "Hei, en ole vielä saanut tilaustani. Missä se on?"),
        ("pl", "Dzień dobry, nie otrzymałem jeszcze mojego zamówienia."),
        ("cs", "Dobrý den, moje objednávka ještě nedorazila."),
        ("sk", "Dobrý deň, moja objednávka ešte neprišla."),
        ("hu", "Jó napot, még nem kaptam meg a rendelésemet."),
        ("ro", "Bună ziua, nu am primit încă comanda mea."),
        ("tr", "Merhaba, siparişim henüz gelmedi. Ne zaman gelecek?"),
        ("id", "Selamat pagi, pesanan saya belum sampai. Mohon bantuannya."),
        ("vi", "Xin chào, tôi chưa nhận được đơn hàng của tôi."),
        ("zh", "请问我的订单什么时候发货"),
        ("ko", "안녕하세요 주문 확인 부탁드립니다"),
        ("ru", "Здравствуйте, где мой заказ?"),
        ("uk", "Добрий день, де моє замовлення? Її ще немає."),
        ("el", "Πού είναι η παραγγελία μου;"),
        ("he", "איפה ההזמנה שלי"),
        ("ar", "أين طلبي"),
        ("th", "สั่งซื้อ"),
    ],
)
def test_a_language_is_told_by_script_or_small_words(expected: str, text: str) -> None:
    assert language.detect(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "OK", "ok thanks", "Order 12345", "配送状況", "返品", "4711", "a@b.example", "Ann Lee"],
)
def test_what_is_unsure_is_said_as_unsure(text: str) -> None:
    assert language.detect(text) == ""
