// Where an answer comes from: from the model, step by step, back to sources and their licenses.

import { html, useEffect, useState } from "./html.js";
import { _, moment, number } from "./words.js";

const HASH_CHARACTERS = 12;

export function Trace({ chat, facts }) {
  const [trace, setTrace] = useState(null);
  const [fault, setFault] = useState(null);
  useEffect(() => {
    chat.trace(facts.model).then(setTrace, setFault);
  }, [facts.model]);
  if (fault) return html`<p class="remark bad" role="alert">${fault.message}</p>`;
  if (!trace) return html`<p role="status">${_("Reading the record")}</p>`;
  const changed = facts.model_sha256 && facts.model_sha256 !== trace.sha256;
  const sources = allSources(trace);
  return html`
    <p>
      ${_("The model wrote it word by word; it does not look anything up. Everything it learned from is in this record.")}
    </p>
    ${changed &&
    html`<p class="remark bad">
      ${_("The model of this name was replaced after this answer was written. The record is that of the new one.")}
    </p>`}
    <h3>${_("What it learned from")}</h3>
    ${sources.length ? html`<${Sources} sources=${sources} />` : html`<p>${_("The record names no sources.")}</p>`}
    <h3>${_("How the model was made")}</h3>
    <ol class="trace"><${Step} node=${trace} /></ol>
  `;
}

const kinds = () => ({
  model: _("Model"),
  checkpoint: _("Training run"),
  tokenizer: _("Tokenizer"),
  corpus: _("Corpus"),
  evaluation: _("Evaluation"),
});

function Step({ node }) {
  return html`<li>
    <div class="step">
      <span class="tag">${kinds()[node.kind] ?? node.kind}</span> <b>${node.name}</b>
      <span class="step-facts">
        ${node.made_at && html`<span>${moment(node.made_at)}</span>`}
        <span><abbr title=${node.sha256}>SHA-256 ${node.sha256.slice(0, HASH_CHARACTERS)}…</abbr></span>
        ${node.repeated && html`<span>${_("Already named above")}</span>`}
      </span>
      ${node.state === "missing" && html`<p class="remark bad">${_("Its record is missing.")}</p>`}
      ${node.state === "broken" && html`<p class="remark bad">${_("Its record was changed after it was made.")}</p>`}
    </div>
    ${node.inputs.length > 0 &&
    html`<ol>
      ${node.inputs.map((input) => html`<${Step} key=${`${input.role} ${input.sha256}`} node=${input} />`)}
    </ol>`}
  </li>`;
}

/** Every source below a step, once. */
function allSources(node, found = new Map()) {
  for (const source of node.sources) found.set(JSON.stringify(source), source);
  for (const input of node.inputs) allSources(input, found);
  return [...found.values()];
}

function Sources({ sources }) {
  const documents = sources.reduce((sum, source) => sum + source.documents, 0);
  const bytes = sources.reduce((sum, source) => sum + source.text_bytes, 0);
  return html`<p>
      ${_("{sources} sources, {documents} documents, {megabytes} MB of text", {
        sources: number(sources.length),
        documents: number(documents),
        megabytes: megabytes(bytes),
      })}
    </p>
    <div class="table" role="region" tabindex="0" aria-label=${_("Sources and licenses")}>
      <table>
        <thead>
          <tr>
            <th scope="col">${_("Source")}</th>
            <th scope="col">${_("License")}</th>
            <th scope="col" class="amount">${_("Documents")}</th>
            <th scope="col" class="amount">MB</th>
          </tr>
        </thead>
        <tbody>
          ${sources.map(
            (source) =>
              html`<tr key=${source.name}>
                <th scope="row">
                  ${source.name}
                  ${source.origin && html`<span class="origin">${source.origin}</span>`}
                </th>
                <td>${licenses(source)}</td>
                <td class="amount">${number(source.documents)}</td>
                <td class="amount">${megabytes(source.text_bytes)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function licenses(source) {
  const names = Object.keys(source.licenses);
  return names.length ? names.join(", ") : source.license;
}

function megabytes(bytes) {
  return number(bytes / 1e6, bytes < 1e7 ? 2 : 0);
}
