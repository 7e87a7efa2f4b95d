/** Markup that text cannot break out of: what a template is given is escaped unless it is markup itself. */

export class Markup {
  constructor(readonly text: string) {}
}

/** What an element holds; `null` stands for nothing. */
export type Content = Markup | string | number | null | readonly Content[]

/** Tag for templates. Values may stand between tags and in quoted attributes, nowhere else. */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.map((part, i) => part + toText(values[i] ?? null)).join(''))
}

/** A URL stays one in an attribute: the quotes cannot be left, and what a browser would not show is replaced. */
function escapeText(text: string): string {
  return (
    text
      // Not allowed in HTML: controls, surrogates without a partner, code points that are no characters.
      .replace(/(?![\t\n\r])\p{Cc}|\p{Cs}|[\ufdd0-\ufdef]|\p{Noncharacter_Code_Point}/gu, '\ufffd')
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  )
}

function toText(content: Content): string {
  if (content === null) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'object') return content.map(toText).join('')
  return escapeText(String(content))
}
