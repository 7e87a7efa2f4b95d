/** A text as one word of a POSIX shell, as it is where nothing in it means something else there. */
export function shellWord(text: string): string {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text)) return text
  // Between simple quotes a line could still end, and a terminal would obey what is written to it.
  if (/\p{Cc}/u.test(text)) return `$'${text.replace(/[\\']/g, String.raw`\$&`).replace(/\p{Cc}/gu, octal)}'`
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function octal(character: string): string {
  const bytes = [...new TextEncoder().encode(character)]
  return bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}
