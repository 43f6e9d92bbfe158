// The chat of a web page: one script, nothing else is loaded. docs/web.md tells how to embed it.
(() => {
  "use strict";
  const own = /*settings*/ {};
  const script = document.currentScript;
  const base = new URL(".", script.src).href;
  const lang = script.dataset.lang || document.documentElement.lang || navigator.language || "en";
  const language = lang.toLowerCase().startsWith("ja") ? "ja" : "en";
  const W = {
    en: {
      open: "Chat with us", close: "Close the chat", hello: "Hello. How can we help you?", label: "Your message",
      send: "Send", attach: "Add photos or PDFs", remove: "Remove", you: "You", us: "Answer",
      auto: "Sent automatically", reference: "Reference", sending: "Sending …", again: "Send again", log: "Conversation",
      offline: "There is no connection. Your message is kept, and sent as soon as there is one.",
      busy: "There are many messages at the moment. Yours is sent in a moment.",
      large: "This is too large. Please send smaller photos, or fewer.", kind: "We can take photos and PDFs.",
      failed: "This could not be sent.", fresh: "New answer", domain: "To receive our mail, please let $ through.",
    },
    ja: {
      open: "チャットで問い合わせる", close: "チャットを閉じる", hello: "こんにちは。ご用件をお聞かせください。", label: "メッセージ",
      send: "送信", attach: "写真・PDFを添える", remove: "削除", you: "お客様", us: "お返事",
      auto: "自動送信", reference: "受付番号", sending: "送信中…", again: "もう一度送信", log: "やりとり",
      offline: "接続がありません。メッセージは保存され、つながり次第送信されます。",
      busy: "ただいま混み合っています。まもなく送信されます。",
      large: "容量が大きすぎます。写真を小さくするか、枚数を減らしてお送りください。", kind: "写真とPDFをお送りいただけます。",
      failed: "送信できませんでした。", fresh: "新しいお返事", domain: "メールが届くよう、受信設定で $ を許可してください。",
    },
  }[language];

  // What the browser keeps: the visitor's secret, what is not sent yet, the draft.
  const shelf = `madoguchi ${base}`;
  let memory = {};
  const kept = () => {
    try { return JSON.parse(localStorage.getItem(shelf)) || memory; } catch { return memory; }
  };
  const keep = (change) => {
    const before = kept();
    waiting.forEach((one) => mine.add(one.id));
    const others = (before.pending || []).filter((one) => !mine.has(one.id));
    const pending = [...others, ...waiting.filter((one) => !files.has(one.id))];
    memory = { ...before, ...change, pending };
    try {
      localStorage.setItem(shelf, JSON.stringify(memory));
    } catch { /* a browser that keeps nothing still talks as long as the page is open */ }
  };
  const random = (size) => {
    const bytes = crypto.getRandomValues(new Uint8Array(size));
    return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  };
  const files = new Map(); // of messages that are not sent yet: these do not outlive the page
  let waiting = []; // messages that are not sent yet
  const mine = new Set(); // ids of those that this page has or had: another tab has its own
  let talk = { version: "", reference: "", messages: [] };
  let chosen = [];

  const call = async (path, more = {}) => {
    const answer = await fetch(base + path, {
      ...more, credentials: "omit", headers: { ...more.headers, "X-Visitor": kept().visitor },
    });
    if (answer.ok) return answer;
    const fault = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(fault.detail), {
      status: answer.status, why: fault.why, after: Number(answer.headers.get("Retry-After")) || 0,
    });
  };
  const sleep = (seconds) => new Promise((done) => { setTimeout(done, 1000 * seconds); });

  // A little work before the first message, where the desk asks for it (hashcash).
  const prove = async () => {
    const { stamp, bits } = await (await call("challenge")).json();
    for (let proof = 0; ; proof += 1) {
      const text = new TextEncoder().encode(`${stamp}:${proof}`);
      const words = new DataView(await crypto.subtle.digest("SHA-256", text));
      if (!bits || (words.getUint32(0) >>> (32 - bits)) === 0) return { _proof: `${stamp}:${proof}` };
    }
  };

  // Sending: one after the other, each under the id that it keeps however often it is tried.
  let sending = false;
  let stir = () => {};
  const post = async (one, proof) => {
    const said = { ...one, ...proof, failed: undefined };
    if (!files.has(one.id)) {
      const headers = { "Content-Type": "application/json" };
      return call("messages", { method: "POST", headers, body: JSON.stringify(said) });
    }
    const form = new FormData();
    Object.entries(said).forEach(([name, value]) => value === undefined || form.append(name, value));
    files.get(one.id).forEach((file) => form.append("file", file, file.name));
    return call("messages", { method: "POST", body: form });
  };
  const flush = async () => {
    if (sending) return;
    sending = true;
    let proof = {};
    for (let tries = 0, one; (one = waiting.find((each) => !each.failed)); ) {
      try {
        talk = await (await post(one, proof)).json();
        asked.abort(); // what is still on its way may be older than this
        waiting = waiting.filter((each) => each !== one);
        tries = 0;
        say("");
      } catch (error) {
        const { status = 0, why, after } = error;
        if (status === 403 && (why === "stale" || why === "unproven") && tries < 3) {
          tries += 1;
          proof = await prove().catch(() => ({}));
          continue;
        }
        if (status >= 400 && status < 500 && status !== 429) {
          one.failed = { 413: W.large, 415: W.kind }[status] || W.failed;
          tries = 0;
        } else {
          say(status === 429 ? W.busy : W.offline);
          tries += 1;
          await Promise.race([
            sleep(after || Math.min(30, 2 ** tries) * (0.5 + Math.random() / 2)),
            new Promise((done) => { stir = done; }),
          ]);
        }
      }
      keep();
      if (!waiting.includes(one)) files.delete(one.id);
      draw();
    }
    sending = false;
    look();
  };
  const write = (said, added = []) => {
    const one = { id: random(16), page: location.href, language, ...said };
    if (added.length) files.set(one.id, added);
    waiting = [...waiting, one];
    keep({ visitor: kept().visitor || random(32) });
    draw();
    flush();
  };

  // Looking for answers: the desk holds the question until there is one.
  let looking = false;
  let nudge = () => {};
  let asked = new AbortController();
  const look = async () => {
    if (looking || !kept().visitor) return;
    looking = true;
    for (let failures = 0; ; ) {
      let pause = 0.2;
      const wait = !panel.hidden && !document.hidden ? 25 : 0;
      asked = new AbortController();
      const { signal } = asked;
      try {
        const news = await (await call(`messages?seen=${talk.version}&wait=${wait}`, { signal })).json();
        if (signal.aborted) continue;
        failures = 0;
        if (news.version !== talk.version) { talk = news; draw(); }
        pause = news.again || (wait ? 0.2 : 30);
      } catch (error) {
        if (signal.aborted) continue;
        failures += 1;
        pause = error.after || Math.min(60, 2 ** failures) * (0.5 + Math.random() / 2);
      }
      await Promise.race([sleep(pause), new Promise((done) => { nudge = done; })]);
    }
  };

  // What is seen. Texts are only ever set as texts.
  const make = (tag, facts = {}, ...inside) => {
    const element = document.createElement(tag);
    Object.entries(facts).forEach(([name, value]) => {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== false) element.setAttribute(name, value === true ? "" : value);
    });
    element.append(...inside);
    return element;
  };
  const icon = (path) => {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "path");
    line.setAttribute("d", path);
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.append(line);
    return svg;
  };
  const linked = (text) => text.split(/((?:https?:\/\/|mailto:)[^\s<>"、。」)]+)/).map((piece, n) => (
    n % 2 ? make("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece) : piece));

  const fetched = (file) => call(`files/${file.id}`).then((answer) => answer.blob()).then((blob) => URL.createObjectURL(blob));
  const shown = (file) => {
    const link = make("a", { class: "file", href: "#", download: file.name, onclick: (event) => {
      if (link.href.startsWith("blob:")) return;
      event.preventDefault();
      fetched(file).then((url) => { link.href = url; link.click(); }, () => say(W.offline));
    } }, file.name || "file");
    if (/^image\/(jpeg|png|gif|webp|avif)$/.test(file.type)) {
      fetched(file).then((url) => {
        link.href = url;
        link.replaceChildren(make("img", { src: url, alt: file.name }));
      }, () => {});
    }
    return link;
  };
  const button = (one, press) => (one.url
    ? make("a", { class: "press", href: one.url, target: "_blank", rel: "noopener" }, one.label)
    : make("button", { class: "press", type: "button", onclick: press }, one.label));
  const bubble = (one) => {
    const who = one.ours ? (one.automatic ? W.auto : W.us) : W.you;
    const at = new Date(one.at || Date.now());
    const time = at.toLocaleString(language, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    const item = make("li", { class: one.ours ? "ours" : "theirs" }, make("p", { class: "who" }, `${who} · ${time}`));
    if (one.text) item.append(make("p", { class: "text" }, ...(one.ours ? linked(one.text) : [one.text])));
    item.append(...(one.files || []).map(shown));
    if (one.buttons && one.buttons.length) {
      const row = make("p", { class: "presses" }, ...one.buttons.map((each) => button(each, () => {
        row.remove();
        write({ text: each.label, pressed: each.data, answers: one.id });
      })));
      item.append(row);
    }
    return item;
  };
  const unsent = (one) => {
    const names = (files.get(one.id) || []).map((file) => file.name).join(", ");
    const item = make("li", { class: "theirs waits" }, make("p", { class: "text" }, one.text || names));
    item.append(make("p", { class: "who" }, one.failed || W.sending));
    if (one.failed) {
      item.append(make("p", { class: "presses" },
        make("button", { class: "press", type: "button", onclick: () => { one.failed = undefined; draw(); flush(); } }, W.again),
        make("button", { class: "press", type: "button", onclick: () => drop(one) }, W.remove)));
    }
    return item;
  };
  const drop = (one) => {
    waiting = waiting.filter((each) => each !== one);
    files.delete(one.id);
    keep();
    draw();
  };

  const items = new Map(); // by id and state, so that a reader hears each message once
  const draw = () => {
    const there = new Set(talk.messages.map((one) => one.id));
    const rows = [
      ...talk.messages.map((one) => [one.id, () => bubble(one)]),
      ...waiting.filter((one) => !there.has(one.id)).map((one) => [`${one.id} ${one.failed || ""}`, () => unsent(one)]),
    ];
    const names = new Set(rows.map(([name]) => name));
    items.forEach((item, name) => { if (!names.has(name)) { item.remove(); items.delete(name); } });
    let added = false;
    rows.forEach(([name, create], place) => {
      if (!items.has(name)) { items.set(name, create()); added = true; }
      if (log.children[place] !== items.get(name)) log.insertBefore(items.get(name), log.children[place] || null);
    });
    hello.hidden = rows.length > 0;
    reference.hidden = !talk.reference;
    reference.textContent = `${W.reference} ${talk.reference}`;
    domain.hidden = !talk.reference || !own.domain;
    if (added) list.scrollTop = list.scrollHeight;
    const last = talk.messages.filter((one) => one.ours).length;
    if (!panel.hidden) keep({ heard: last });
    const fresh = last > (kept().heard || 0);
    mark.hidden = !fresh;
    launch.setAttribute("aria-label", fresh ? `${W.open} (${W.fresh})` : W.open);
  };
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };

  const root = document.createElement("div");
  root.id = "madoguchi";
  const shadow = root.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(/*style*/"");
  shadow.adoptedStyleSheets = [sheet];
  root.lang = language;
  const mark = make("span", { class: "mark", hidden: true });
  const launch = make("button", { class: "launch", type: "button", "aria-label": W.open, "aria-haspopup": "dialog", "aria-expanded": "false" },
    icon("M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2Z"), mark);
  const shut = make("button", { class: "plain", type: "button", "aria-label": W.close }, icon("M6 6l12 12M18 6 6 18"));
  const hello = make("p", { class: "hello" }, W.hello);
  const log = make("ol", { role: "log", "aria-live": "polite", "aria-label": W.log });
  const list = make("div", { class: "list", tabindex: "0", role: "region", "aria-label": W.log }, hello, log);
  const reference = make("p", { class: "note", hidden: true });
  const domain = make("p", { class: "note small", hidden: true }, W.domain.replace("$", own.domain));
  const status = make("p", { class: "status", role: "status" });
  const picked = make("ul", { class: "picked" });
  const text = make("textarea", { rows: "1", "aria-label": W.label, placeholder: W.label, enterkeyhint: "send" });
  const picker = make("input", { type: "file", multiple: true, hidden: true, accept: (own.accepts || []).join(",") });
  const attach = make("button", { class: "plain", type: "button", "aria-label": W.attach, title: W.attach, hidden: !own.files },
    icon("M20 11.5 12 19.4a5 5 0 0 1-7-7l8.5-8.4a3.3 3.3 0 0 1 4.7 4.7l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4l7.6-7.5"));
  const submit = make("button", { class: "send", type: "submit", "aria-label": W.send, title: W.send }, icon("M4 12h14M12 5l7 7-7 7"));
  const compose = make("form", {}, picked, make("div", { class: "row" }, attach, text, submit), picker);
  const panel = make("div", { class: "panel", role: "dialog", "aria-modal": "true", "aria-labelledby": "name", hidden: true },
    make("header", {}, make("h2", { id: "name" }, own.name || W.open), shut), reference, domain, list, status, compose);
  shadow.append(panel, launch);

  const show = (open) => {
    panel.hidden = !open;
    launch.hidden = open;
    launch.setAttribute("aria-expanded", String(open));
    keep({ open });
    draw();
    (open ? text : launch).focus();
    if (open) { list.scrollTop = list.scrollHeight; nudge(); look(); }
  };
  const grow = () => {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 160)}px`;
  };
  const pick = () => {
    picked.replaceChildren(...chosen.map((file) => make("li", {}, make("span", {}, file.name),
      make("button", { class: "plain", type: "button", "aria-label": `${W.remove}: ${file.name}`, onclick: () => {
        chosen = chosen.filter((each) => each !== file);
        pick();
        text.focus();
      } }, icon("M6 6l12 12M18 6 6 18")))));
  };
  const choose = (more) => {
    const all = [...chosen, ...more];
    if (all.some((file) => !(own.accepts || []).includes(file.type))) return say(W.kind);
    const size = all.reduce((sum, file) => sum + file.size, 4096);
    if (size > own.most || all.length > own.files) return say(W.large);
    say("");
    chosen = all;
    return pick();
  };
  launch.addEventListener("click", () => show(true));
  shut.addEventListener("click", () => show(false));
  attach.addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => { choose([...picker.files]); picker.value = ""; });
  text.addEventListener("paste", (event) => { if (event.clipboardData.files.length) choose([...event.clipboardData.files]); });
  text.addEventListener("input", () => { grow(); keep({ draft: text.value }); });
  text.addEventListener("keydown", (event) => {
    // Enter also ends what an input method composes, and is a new line where there are no keys.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    compose.requestSubmit();
  });
  compose.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = text.value.trim();
    if (!said && !chosen.length) return text.focus();
    const added = chosen;
    chosen = [];
    text.value = "";
    keep({ draft: "" });
    pick();
    grow();
    write({ text: said }, added);
    return text.focus();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
    if (event.key !== "Tab") return;
    const stops = [...panel.querySelectorAll("button, a[href], textarea, [tabindex]")].filter((one) => one.offsetParent);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (shadow.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  });
  addEventListener("online", () => { stir(); nudge(); });
  addEventListener("beforeunload", (event) => { if (files.size) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => nudge());

  // A form of this desk on the same page: when it was opened, and where; and the work, if any.
  const prepare = (form) => {
    const set = (name, value) => {
      const input = form.querySelector(`[name="${name}"]`) || form.appendChild(make("input", { type: "hidden", name }));
      input.value = value;
    };
    set("_page", location.href);
    if (!own.bits) return;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      prove().then((proof) => {
        Object.entries(proof).forEach(([name, value]) => set(name, value));
        form.submit();
      }, () => form.submit());
    });
  };

  const start = () => {
    document.querySelectorAll("form").forEach((form) => { if (form.action === `${base}form`) prepare(form); });
    if (script.dataset.chat === "off") return;
    document.body.append(root);
    const { pending = [], draft = "", open = false, visitor } = kept();
    waiting = pending;
    // The code by which a customer of another channel goes on here: to be sent, not sent by itself.
    const code = /^#madoguchi=([A-Za-z0-9-]{8,64})$/.exec(location.hash);
    text.value = code ? code[1] : draft;
    if (code) history.replaceState(null, "", location.pathname + location.search);
    panel.hidden = !(open || code);
    launch.hidden = !panel.hidden;
    draw();
    grow();
    if (code) text.focus();
    if (visitor) look();
    if (waiting.length) flush();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
