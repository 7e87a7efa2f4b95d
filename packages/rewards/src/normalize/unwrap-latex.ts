/** LaTeX as models write it in short answers, turned into plain text. */

const macros: readonly (readonly [RegExp, string])[] = [
  [/\\(?:left|right|displaystyle|bigl?|bigr)(?![a-z])/gi, ''],
  [/\\[,;:! ]|~/g, ' '],
  [/\^ *(?:\{ *\\circ *\}|\\circ(?![a-z]))/g, '°'],
  [/\\(?:times|cdot)(?![a-z])/g, '×'],
  [/\\pm(?![a-z])/g, '±'],
  [/\\pi(?![a-z])/g, 'π'],
  [/\\(?:leq?)(?![a-z])/g, '≤'],
  [/\\(?:geq?)(?![a-z])/g, '≥'],
  [/\\infty(?![a-z])/g, '∞'],
  [/\\([%$#&_])/g, '$1'],
]

/** Commands whose argument is the text itself. */
const wrapper = /\\(?:boxed|text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname) *\{([^{}]*)\}/g

/** `\frac{a}{b}` without inner braces, and `\frac12`. A digit before it makes a mixed number. */
const fraction = /(\d *)?\\[dtc]?frac *(?:\{([^{}]*)\} *\{([^{}]*)\}|(\d) *(\d))/g

/** `text` without math delimiters, wrappers and spacing commands; fractions become "a/b". */
export function unwrapLatex(text: string): string {
  let result = text.replace(/^\$\$?([^$]*)\$\$?$/, '$1').replace(/^\\[([]([^]*)\\[)\]]$/, '$1')
  result = result.replaceAll('{,}', ',')
  if (!result.includes('\\')) return result
  for (const [pattern, replacement] of macros) result = result.replace(pattern, replacement)
  // Innermost first, so that a wrapper may hold a fraction and a fraction wrappers.
  for (let depth = 0; depth < 4; depth++) {
    const before = result
    result = result.replace(wrapper, '$1').replace(fraction, showFraction)
    if (result === before) break
  }
  return result
}

function showFraction(
  _match: string,
  whole: string | undefined,
  a: string | undefined,
  b: string | undefined,
  shortA: string,
  shortB: string,
): string {
  const [top, bottom] = [(a ?? shortA).trim(), (b ?? shortB).trim()]
  const plain = [top, bottom].every((part) => /^[+-]?[\d.,]+$/.test(part))
  return `${whole === undefined ? '' : `${whole.trim()} `}${plain ? `${top}/${bottom}` : `(${top})/(${bottom})`}`
}
