/** A Markdown table as prettier lays it out: the first column to the left, all others to the right. */
export function markdownTable(head, rows) {
  const widths = head.map((title, column) => Math.max(3, ...[head, ...rows].map((row) => row[column].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}
