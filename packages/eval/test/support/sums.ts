/** Questions of one's own: sums, of which the echoing sampler gets every third wrong. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export function writeSums(folder: string, count: number): string {
  const path = join(folder, 'sums.jsonl')
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      image: `${i}.png`,
      question: `${i} + 1? say: ${i % 3 === 0 ? '\\boxed{no "idea" \n🚗}' : `<answer>${i + 1} </answer>`}`,
      answer: String(i + 1),
    }),
  )
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}
