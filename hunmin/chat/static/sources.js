// The passages an answer was given, under it. The server draws the same in `templates/sources.html`.

import { html } from "./html.js";
import { _, number } from "./words.js";

export function Sources({ message }) {
  const sources = message.sources ?? [];
  if (sources.length) {
    // Where the answer says of none that it used it, the best passage is shown beside it at once.
    const cites = sources.some(({ number }) => message.text.includes(`[${number}]`));
    return html`<section class="sources" aria-label=${_("Sources")}>
      <h3>${_("Sources")}</h3>
      <ul>
        ${sources.map((source, at) => html`<li key=${source.address}><${Source} source=${source} open=${!cites && at === 0} /></li>`)}
      </ul>
      ${!sources.some((source) => source.number) &&
      html`<p class="remark">${_("None of the passages found fits this model's context: it answered without reading them.")}</p>`}
    </section>`;
  }
  if (!message.facts?.looked) return null;
  return html`<p class="remark">${_("No passage was found for this question: the answer has no source.")}</p>`;
}

function Source({ source, open }) {
  const about = [source.file_id ? _("your file") : source.source];
  if (source.page) about[0] += `, ${_("page {page}", { page: number(source.page) })}`;
  if (!source.number) about.push(_("not read: too long for the model"));
  return html`<details open=${open}>
    <summary>${source.number && html`<b>[${source.number}]</b> `}${source.citation}${" "}<span class="about">${about.join(" · ")}</span></summary>
    <blockquote>${source.excerpt}</blockquote>
    <a href=${source.address} target="_blank">${_("Read it in its place")}</a>
  </details>`;
}
