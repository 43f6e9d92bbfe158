"use strict";
// Everything is put in as text: what the document says can never become markup.
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}
const link = (name) => el("a", { href: "#schema-" + name }, name);
const nameOf = (ref) => ref.split("/").pop();

function paragraphs(text) {
  return (text || "").trim().split(/\n\s*\n/).filter(Boolean).map((paragraph) => {
    const p = el("p");
    paragraph.split(/(`[^`]+`|\*\*[^*]+\*\*)/).forEach((piece) => {
      if (piece.startsWith("`")) p.append(el("code", {}, piece.slice(1, -1)));
      else if (piece.startsWith("**")) p.append(el("strong", {}, piece.slice(2, -2)));
      else p.append(piece);
    });
    return p;
  });
}

function type(schema) {
  const span = el("span");
  if (!schema || !Object.keys(schema).length) span.append("anything");
  else if (schema.$ref) span.append(link(nameOf(schema.$ref)));
  else if (schema.oneOf || schema.anyOf) {
    (schema.oneOf || schema.anyOf).forEach((one, i) => span.append(i ? " or " : "", type(one)));
  } else if (schema.enum) span.append(schema.enum.map((v) => JSON.stringify(v)).join(" | "));
  else if (schema.type === "array") span.append("list of ", type(schema.items));
  else span.append([].concat(schema.type || "object").join(" or "));
  if (schema && schema.minimum !== undefined && schema.maximum < 1e6) {
    span.append(` ${schema.minimum} to ${schema.maximum}`);
  }
  return span;
}

async function attempt(operation, inputs, output) {
  let path = operation.path;
  const query = new URLSearchParams();
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.set(parameter.name, input.value);
  }
  const token = document.getElementById("token").value;
  const address = path + (query.size ? "?" + query : "");
  output.replaceChildren(el("p", { class: "soft" }, "Asking …"));
  try {
    const response = await fetch(address, { headers: token ? { Authorization: "Bearer " + token } : {} });
    const text = (await response.text()).slice(0, 200000);
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    output.replaceChildren(
      el("p", { class: response.ok ? "" : "bad" }, `${response.status} ${response.statusText} · `, el("code", {}, address)),
      el("pre", {}, shown),
    );
  } catch (error) {
    output.replaceChildren(el("p", { class: "bad" }, "No answer: " + error.message));
  }
}

function field(parameter) {
  const schema = parameter.schema || {};
  const options = [schema, ...(schema.oneOf || []), ...(schema.anyOf || [])].find((s) => s.enum);
  if (!options) {
    const fallback = schema.default;
    return el("input", { "aria-label": parameter.name, placeholder: fallback === undefined || fallback === null ? "" : String(fallback) });
  }
  const values = options.enum.filter((value) => value !== null);
  return el("select", { "aria-label": parameter.name }, el("option", { value: "" }, "—"), ...values.map((v) => el("option", {}, String(v))));
}

function parameters(operation) {
  const inputs = (operation.parameters || []).map((parameter) => ({ parameter, input: field(parameter) }));
  const rows = inputs.map(({ parameter, input }) => el("tr", {},
    el("th", {}, el("code", {}, parameter.name), parameter.required ? " *" : ""),
    el("td", {}, input),
    el("td", {}, type(parameter.schema), ...paragraphs(parameter.description))));
  const output = el("div", { "aria-live": "polite" });
  const form = el("form", {}, rows.length ? el("table", {}, el("tbody", {}, ...rows)) : "", el("p", {}, el("button", {}, "Try it")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(operation, inputs, output);
  });
  return [form, output];
}

function responses(operation) {
  const rows = Object.entries(operation.responses || {}).map(([status, response]) => {
    const kinds = Object.entries(response.content || {}).map(([media, content]) =>
      el("div", {}, el("code", {}, media), " ", content.schema && content.schema.$ref ? type(content.schema) : ""));
    return el("tr", {}, el("th", {}, status), el("td", {}, response.description || "", ...kinds));
  });
  return el("table", {}, el("tbody", {}, ...rows));
}

function operationCard(operation) {
  return el("article", { id: operation.operationId },
    el("h3", {}, operation.summary || operation.operationId),
    el("p", { class: "path" }, el("span", { class: "method" }, operation.method.toUpperCase()), operation.path),
    ...paragraphs(operation.description),
    ...(operation.method === "get" ? parameters(operation) : []),
    el("details", {}, el("summary", {}, "Answers"), responses(operation)));
}

function schemaCard(name, schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([key, value]) => el("tr", {},
    el("th", {}, el("code", {}, key), required.has(key) ? "" : " (optional)"),
    el("td", {}, type(value), ...paragraphs(value.description))));
  return el("article", { id: "schema-" + name }, el("h3", {}, name), ...paragraphs(schema.description),
    el("table", {}, el("tbody", {}, ...rows)));
}

function show(document_) {
  const operations = Object.entries(document_.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, one]) => one.responses).map(([method, one]) => ({ ...one, path, method })));
  const schemas = Object.entries((document_.components || {}).schemas || {});
  const contents = el("div");
  const page = [el("h1", {}, document_.info.title), ...paragraphs(document_.info.description)];
  for (const tag of document_.tags || []) {
    const mine = operations.filter((one) => (one.tags || []).includes(tag.name));
    contents.append(el("h2", {}, tag.name), ...mine.map((one) => el("a", { href: "#" + one.operationId }, one.summary)));
    page.push(el("h2", {}, tag.name), ...paragraphs(tag.description), ...mine.map(operationCard));
  }
  contents.append(el("h2", {}, "shapes"), ...schemas.map(([name]) => link(name)));
  page.push(el("h2", {}, "shapes"), ...schemas.map(([name, schema]) => schemaCard(name, schema)));
  document.getElementById("contents").replaceChildren(contents);
  document.getElementById("page").replaceChildren(...page);
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

fetch("/openapi.json").then((response) => response.json()).then(show).catch((error) => {
  document.getElementById("page").replaceChildren(el("p", { class: "bad" }, "The document could not be read: " + error.message));
});
