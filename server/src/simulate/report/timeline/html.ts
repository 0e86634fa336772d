/** Pieces of HTML. Everything that is put into a template is escaped unless it is such a piece itself. */

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | false | undefined | readonly Part[];

/** `html\`<b>${name}</b>\``: `name` is escaped; lists are joined; `false` and undefined are nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0];
  for (const [index, part] of parts.entries()) text += textOf(part) + strings[index + 1];
  return new Html(text);
}

/** Taken as it stands: only for what this program wrote itself. */
export const trusted = (text: string): Html => new Html(text);

function textOf(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escape(part);
  return typeof part === 'number' ? String(part) : part.map(textOf).join('');
}

/** For text and for attributes in quotes of either kind. */
export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
