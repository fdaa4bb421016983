// The read-only page of the local AWS. The address after # is the path of the data: clusters/<id>/<step>/<log>.
// Texts become text nodes, so nothing in the data can become HTML.

"use strict";

const INTERVAL = 2000;
const DATA = "/_localaws/page/data/";
const main = document.getElementById("main");
const statusLine = document.getElementById("status");
let etag = "", shown = "", timer = 0;

const STATES = {
  good: ["COMPLETED", "SUCCEEDED", "SUCCESS", "WAITING", "STARTED"],
  bad: ["FAILED", "TERMINATED_WITH_ERRORS", "INTERRUPTED"],
  busy: ["RUNNING", "STARTING", "BOOTSTRAPPING", "PENDING", "QUEUED", "SUBMITTED", "SCHEDULED", "CREATING", "STOPPING",
    "TERMINATING", "CANCEL_PENDING", "CANCELLING"],
};

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) if (value != null) element.setAttribute(name, value);
  element.append(...children.flat(Infinity).filter(child => child != null).map(child => child instanceof Node ? child : String(child)));
  return element;
}

// Makes the children of `old` equal to those of `fresh`, and keeps elements, so that focus and scrolling stay.
function patch(old, fresh) {
  const before = [...old.childNodes];
  [...fresh.childNodes].forEach((node, at) => {
    const current = before[at];
    if (!current) old.append(node);
    else if (current.nodeName !== node.nodeName) current.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) { if (current.data !== node.data) current.data = node.data; }
    else {
      for (const { name } of [...current.attributes]) if (!node.hasAttribute(name)) current.removeAttribute(name);
      for (const { name, value } of node.attributes) if (current.getAttribute(name) !== value) current.setAttribute(name, value);
      patch(current, node);
    }
  });
  before.slice(fresh.childNodes.length).forEach(node => node.remove());
}

const encode = path => path.split("/").map(encodeURIComponent).join("/");
const link = (path, text) => h("a", { href: "#" + encode(path) }, text);
const time = text => text ? h("time", { datetime: text, title: text }, new Date(text).toLocaleString([], { dateStyle: "short", timeStyle: "medium" })) : "";

function state(text) {
  const kind = Object.keys(STATES).find(name => STATES[name].includes(text)) ?? "muted";
  return h("span", { class: `state ${kind}` }, text);
}

function duration(item) {
  if (!item.started) return "";
  const seconds = ((item.ended ? new Date(item.ended) : new Date()) - new Date(item.started)) / 1000;
  return seconds < 10 ? `${Math.max(0, seconds).toFixed(2)} s` : seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function bytes(count) {
  if (count == null) return "";
  const unit = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), 4);
  return `${unit ? (count / 1000 ** unit).toFixed(1) : count} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
}

const counts = item => Object.entries(item.counts).map(([name, count]) => `${count} ${name}`).join(", ");
const named = (path, item) => [link(`${path}/${item.id}`, item.name), h("small", {}, item.reason || item.id)];
const number = content => ({ content, kind: "number" });

function table(heads, items, row, empty) {
  if (!items.length) return h("p", { class: "empty" }, empty);
  const cells = item => row(item).map((cell, at) =>
    cell?.kind ? h("td", { class: cell.kind }, cell.content) : h("td", { class: at ? null : "name" }, ...[cell].flat()));
  return h("div", { class: "table" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, heads.map(head => h("th", { scope: "col" }, head)))),
    h("tbody", {}, items.map(item => h("tr", {}, cells(item))))));
}

const more = data => data.more ? h("p", { class: "muted" }, "Only the first entries are shown.") : null;
const list = entries => h("dl", {}, entries.filter(([, value]) => value != null && value !== "").map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
const text = (content, label) => h("pre", { tabindex: 0, "aria-label": label }, content || " ");

function logs(data, path) {
  const [log] = path.split("/").slice(3);
  return [
    h("h2", {}, data.name),
    list([["State", state(data.state)], ["Reason", data.reason], ["Started", time(data.started)], ["Time", duration(data)], ["Command", data.args?.join(" ")]]),
    h("nav", { "aria-label": "Logs" }, data.logs.map(name => h("a", {
      href: "#" + encode([...path.split("/").slice(0, 3), name].join("/")), "aria-current": name === (log ?? "stdout") ? "page" : null,
    }, name))),
    data.skipped ? h("p", { class: "muted" }, `The first ${bytes(data.skipped)} are not shown.`) : null,
    text(data.text, "Log"),
  ];
}

const VIEWS = {
  clusters(data, path) {
    if ("text" in data) return logs(data, path);
    if (data.clusters) return [h("h2", {}, "Clusters"), table(["Cluster", "State", "Created", "Steps"], data.clusters,
      item => [named("clusters", item), state(item.state), time(item.created), counts(item)], "There is no cluster yet."), more(data)];
    return [h("h2", {}, data.name), list([["State", state(data.state)], ["Reason", data.reason], ["Release", data.release], ["Created", time(data.created)], ["Ended", time(data.ended)]]),
      table(["Step", "State", "Started", "Time"], data.steps, item => [named(`clusters/${data.id}`, item), state(item.state), time(item.started), number(duration(item))], "The cluster has no steps."), more(data)];
  },
  serverless(data, path) {
    if ("text" in data) return logs(data, path);
    if (data.applications) return [h("h2", {}, "Applications"), table(["Application", "State", "Created", "Job runs"], data.applications,
      item => [named("serverless", { ...item, name: item.name || item.id }), state(item.state), time(item.created), counts(item)], "There is no application yet."), more(data)];
    return [h("h2", {}, data.name || data.id), list([["State", state(data.state)], ["Reason", data.reason], ["Created", time(data.created)]]),
      table(["Job run", "State", "Started", "Time"], data.job_runs, item => [named(`serverless/${data.id}`, item), state(item.state), time(item.started), number(duration(item))], "The application has no job runs."), more(data)];
  },
  queries(data) {
    if (data.queries) return [h("h2", {}, "Queries"), table(["Query", "State", "Submitted", "Time", "Scanned"], data.queries,
      item => [[link(`queries/${item.id}`, h("code", {}, item.name)), item.reason ? h("small", {}, item.reason) : null], state(item.state), time(item.created), number(duration(item)), number(bytes(item.scanned))],
      "There is no query yet."), more(data)];
    return [h("h2", {}, "Query"), text(data.text, "SQL"),
      list([["State", state(data.state)], ["Reason", data.reason], ["Database", data.database], ["Workgroup", data.workgroup], ["Submitted", time(data.created)], ["Time", duration(data)],
        ["Scanned", bytes(data.scanned)], ["Result", data.output ? link(`s3/${data.output.replace("s3://", "")}`, data.output) : null]]),
      data.rows?.length ? h("div", { class: "table" }, h("table", {},
        h("caption", { class: "muted" }, `${data.rows.length} of ${data.count} rows`),
        h("thead", {}, h("tr", {}, data.columns.map(name => h("th", { scope: "col" }, name)))),
        h("tbody", {}, data.rows.map(row => h("tr", {}, row.map(value => h("td", { class: value == null ? "muted" : null }, value ?? "NULL"))))))) : null];
  },
  s3(data, path) {
    const base = path.replace(/\/$/, "");
    if (data.buckets) return [h("h2", {}, "Buckets"), table(["Bucket"], data.buckets, item => [link(`s3/${item.name}/`, item.name)], "There is no bucket yet."), more(data)];
    if (data.entries) return [h("h2", {}, "s3://" + base.slice(3) + "/"), table(["Object", "Size", "Modified"], data.entries,
      item => [link(`${base}/${item.name}`, item.name), number(bytes(item.size)), time(item.modified)], "There are no objects."), more(data)];
    return [h("h2", {}, data.name), list([["Size", bytes(data.size)], ["Modified", time(data.modified)]]), h("p", { class: "muted" }, "The first kilobytes:"), text(data.text, "Content")];
  },
};

const SECTIONS = { clusters: "EMR", serverless: "EMR Serverless", queries: "Athena", s3: "S3" };

function crumbs(path) {
  const parts = path.replace(/\/$/, "").split("/");
  const folder = parts[0] === "s3" ? "/" : "";
  return parts.length < 2 ? null : h("p", { class: "path" }, parts.slice(0, -1).flatMap((part, at) => [link(parts.slice(0, at + 1).join("/") + (at ? folder : ""), at ? part : SECTIONS[part] ?? part), " / "]), parts.at(-1));
}

function show(path, data) {
  const view = data.error ? [h("p", { class: "empty" }, data.error)] : VIEWS[path.split("/")[0]](data, path);
  const pre = main.querySelector("pre");
  const atEnd = pre && pre.scrollHeight - pre.scrollTop - pre.clientHeight < 20;
  const fresh = h("main", {}, crumbs(path), ...view);
  if (path === shown) patch(main, fresh);
  else main.replaceChildren(...fresh.childNodes);
  if (data.logs && (atEnd || path !== shown)) { const log = main.querySelector("pre"); log.scrollTop = log.scrollHeight; }
  if (shown && path !== shown) main.focus({ preventScroll: true });
  shown = path;
  document.title = `${main.querySelector("h2")?.textContent ?? "Not found"} · Local AWS`;
}

async function update() {
  clearTimeout(timer);
  const path = location.hash.slice(1).split("/").map(decodeURIComponent).join("/") || "clusters";
  for (const tab of document.querySelectorAll("header nav a")) tab.toggleAttribute("aria-current", tab.hash.slice(1) === path.split("/")[0]);
  try {
    if (path !== shown) etag = "";
    const response = await fetch(DATA + encode(path), { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
    if (response.status !== 304) {
      const data = await response.json();
      etag = response.headers.get("ETag") ?? "";
      show(path, data);
    }
    statusLine.textContent = `Updated ${new Date().toLocaleTimeString()}`;
    statusLine.className = "";
  } catch {
    statusLine.textContent = "The local AWS does not respond";
    statusLine.className = "bad";
  }
  timer = setTimeout(update, document.hidden ? 5 * INTERVAL : INTERVAL);
}

addEventListener("hashchange", update);
document.addEventListener("visibilitychange", () => document.hidden || update());
update();
