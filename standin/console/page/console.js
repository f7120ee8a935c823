"use strict";

const byId = (id) => document.getElementById(id);
const exchanges = new Map();
let onlyRefused = false;
let chosen = null;

/** Make an element; every text from outside goes through textContent. */
function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

const asksForNonce = (exchange) => exchange.refusal?.error === "use_dpop_nonce";
const isRefused = (exchange) =>
  !asksForNonce(exchange) && Boolean(exchange.refusal || exchange.fault || Number(exchange.status) >= 400);

function titleOf(exchange) {
  if (exchange.party === "secret_manager") return [exchange.kind, exchange.target.replace(/^.*\/secrets\//, "")];
  return [exchange.method, exchange.target];
}

function outcomeOf(exchange) {
  if (asksForNonce(exchange)) return "asks for a nonce";
  if (exchange.refusal) return exchange.refusal.error;
  if (exchange.fault) return "as planned";
  return `${exchange.duration_ms} ms`;
}

function rowOf(exchange) {
  const row = make("button", `exchange to-${exchange.party}`);
  row.type = "button";
  row.classList.toggle("refused", isRefused(exchange));
  row.classList.toggle("asks", asksForNonce(exchange));
  const [method, target] = titleOf(exchange);
  for (let lane = 0; lane < 5; lane++) row.append(make("span", "stem"));
  const arrow = make("span", "arrow");
  const label = make("span", "label");
  const words = make("span");
  words.append(make("b", "", method), ` ${target}`);
  label.append(words);
  arrow.append(label);
  const outcome = make("span", "outcome");
  outcome.append(make("b", "", exchange.status ?? "no response"), make("small", "", outcomeOf(exchange)));
  row.append(arrow, outcome);
  row.setAttribute("aria-label", exchange.line);
  row.addEventListener("click", () => choose(exchange.number));
  return row;
}

function show(exchange) {
  const item = make("li");
  item.dataset.number = exchange.number;
  item.append(rowOf(exchange));
  item.hidden = onlyRefused && !isRefused(exchange);
  const list = byId("exchanges");
  const known = exchanges.get(exchange.number);
  exchanges.set(exchange.number, exchange);
  const after = [...list.children].find((each) => Number(each.dataset.number) > exchange.number);
  if (known) list.querySelector(`[data-number="${exchange.number}"]`).replaceWith(item);
  else list.insertBefore(item, after ?? null);
  count();
}

function count() {
  const all = [...exchanges.values()];
  const refused = all.filter(isRefused).length;
  byId("count-all").textContent = all.length;
  byId("count-refused").textContent = refused;
  const shown = onlyRefused ? refused : all.length;
  byId("nothing").hidden = shown > 0;
  byId("nothing").textContent = onlyRefused ? "Nothing has been refused." : "Nothing has happened yet. Call something: helseid-fn call";
}

function filter(refused) {
  onlyRefused = refused;
  byId("all").setAttribute("aria-pressed", String(!refused));
  byId("refused").setAttribute("aria-pressed", String(refused));
  for (const item of byId("exchanges").children) {
    item.hidden = refused && !isRefused(exchanges.get(Number(item.dataset.number)));
  }
  count();
}

function choose(number) {
  chosen = number;
  for (const item of byId("exchanges").children) {
    item.firstChild.setAttribute("aria-current", String(Number(item.dataset.number) === number));
  }
  const exchange = exchanges.get(number);
  const [method, target] = titleOf(exchange);
  const parts = [make("h2", "", `${method} ${target}`)];
  const time = new Date(exchange.time).toLocaleTimeString("nb-NO");
  parts.push(make("p", "sub", `${exchange.status ?? "no response"} · ${time} · ${exchange.duration_ms} ms · connection ${exchange.connection}`));
  if (exchange.refusal) parts.push(whyOf(exchange));
  if (exchange.fault) parts.push(make("p", "sub", `This was planned: ${exchange.fault}`));
  const checks = exchange.checks.map((text) => ({ ok: true, text }));
  if (exchange.refusal) checks.push({ ok: false, text: exchange.refusal.detail });
  parts.push(...sectionOf("Checks", checksOf(checks), checks.length));
  const claims = exchange.claims ?? {};
  parts.push(...jwtOf("Client assertion", claims.assertion), ...jwtOf("Proof", claims.proof), ...jwtOf("Access token", claims.token));
  parts.push(...sectionOf("Form", listOf(exchange.form), Object.keys(exchange.form).length));
  parts.push(...sectionOf("Response", listOf(exchange.response), exchange.response && typeof exchange.response === "object"));
  byId("detail").replaceChildren(...parts);
  byId("detail").scrollTop = 0;
}

function whyOf(exchange) {
  const why = make("div", asksForNonce(exchange) ? "why asks" : "why");
  const said = [exchange.refusal.error, exchange.refusal.description].filter(Boolean).join(": ");
  const theirs = make("p", "theirs", exchange.party === "helseid" ? "HelseID says " : "It says ");
  theirs.append(make("code", "", said));
  why.append(make("p", "ours", `Refused because ${exchange.refusal.detail}.`), theirs);
  return why;
}

function sectionOf(title, content, isShown) {
  return isShown ? [make("h3", "", title), content] : [];
}

function checksOf(checks) {
  const list = make("ul", "checks");
  for (const each of checks) list.append(make("li", each.ok ? "ok" : "no", each.text));
  return list;
}

function jwtOf(title, claims) {
  if (!claims) return [];
  const { header, ...payload } = claims;
  return [make("h3", "", title), listOf({ ...header, ...payload }, payload.iat)];
}

/** List members; times of a JWT are shown as moments, and relative to iat. */
function listOf(members, issuedAt) {
  const list = make("dl");
  for (const [name, value] of Object.entries(members ?? {})) {
    const shown = make("dd", "", value !== null && typeof value === "object" ? JSON.stringify(value, null, 1) : String(value));
    if (["iat", "nbf", "exp"].includes(name) && Number.isInteger(value)) {
      const moment = new Date(value * 1000).toLocaleTimeString("nb-NO");
      const distance = Number.isInteger(issuedAt) && name !== "iat" ? `, iat ${value < issuedAt ? "−" : "+"} ${Math.abs(value - issuedAt)} s` : "";
      shown.append(make("em", "", `  ${moment}${distance}`));
    }
    list.append(make("dt", "", name), shown);
  }
  return list;
}

async function inspect() {
  const response = await fetch("inspect", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: byId("pasted").value }),
  });
  if (!response.ok) return byId("inspected").replaceChildren(make("p", "sub", await response.text()));
  const found = await response.json();
  const title = make("h3", "", found.kind ?? "Unknown");
  byId("inspected").replaceChildren(title, checksOf(found.checks), ...jwtOf("Contents", found.claims && { header: found.header, ...found.claims }));
}

byId("all").addEventListener("click", () => filter(false));
byId("refused").addEventListener("click", () => filter(true));
byId("open-inspector").addEventListener("click", () => byId("inspector").showModal());
byId("close-inspector").addEventListener("click", () => byId("inspector").close());
byId("inspect").addEventListener("click", inspect);

const stream = new EventSource("exchanges");
stream.addEventListener("open", () => {
  byId("state").textContent = "live";
  byId("state").classList.add("live");
});
stream.addEventListener("error", () => {
  byId("state").textContent = "waiting for the stand-in";
  byId("state").classList.remove("live");
});
stream.addEventListener("message", (message) => show(JSON.parse(message.data)));
count();
