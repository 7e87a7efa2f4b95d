/** A Markdown table whose columns line up; those in `right` are aligned to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const all = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = header.map((_, i) => Math.max(3, ...all.map((row) => row[i].length)))
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const padded = all.map((row) =>
    line(row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))),
  )
  const rule = line(
    widths.map((width, i) => (right.includes(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))),
  )
  return `${[padded[0], rule, ...padded.slice(1)].join('\n')}\n`
}
