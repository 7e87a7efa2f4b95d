/** Looks at the source of a schema's rows: whether the default of a setting is named there or written. */

/**
 * True if the row of `name` in `source` takes its default from a constant of a library, or from a shared row and does not
 * change it there; also if the source has no such row, because it spreads shared ones.
 */
export function namesDefault(source: string, name: string): boolean {
  const row = new RegExp(`^  ${name}: ([^]*?)(?=^  [a-z.]|^\\})`, 'm').exec(source)?.[1]
  if (row === undefined) return /^ {2}\.\.\./m.test(source)
  if (/\bdefault: /.test(row)) return false
  const first = /^(?:number|integer|choice)\(([^,]+),/.exec(row)?.[1]
  return first === undefined || /^default[A-Z]|Defaults\b|Answers$/.test(first.trim())
}
