/**
 * The rule for doc comments: one in packages/*\/src begins with its subject, not with a preposition ("Of every draw") or a
 * clause that hangs on nothing ("Whether to go on"). A reader of one field sees its comment alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const bare = new Set(
  (
    'about above across after against along also among around as at because before behind below beneath beside besides ' +
    'between beyond but by down during except for from how if in inside instead into like near of off on onto out outside ' +
    'over per since so than that through throughout till to toward towards under unless unlike until up upon when where ' +
    'whether which while with within without'
  ).split(' '),
)

/** Every doc comment below `root` (a folder that holds `packages/`) that breaks the rule, one line each. */
export function commentProblems(root) {
  const problems = []
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name, 'src')
    if (!existsSync(source)) continue
    for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (!entry.isFile() || !file.endsWith('.ts') || relative(source, file).split('/').includes('gen'))
        continue
      const text = readFileSync(file, 'utf8')
      for (const { index, 1: body } of text.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\//gm)) {
        const words = body
          .replace(/^\s*\*/gm, '')
          .replace(/\s+/g, ' ')
          .trim()
        if (!bare.has(/^[a-z]+/i.exec(words)?.[0].toLowerCase())) continue
        const line = text.slice(0, index).split('\n').length
        problems.push(`${relative(root, file)}:${line}: begin with the subject: ${words.slice(0, 60)}`)
      }
    }
  }
  return problems
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = commentProblems(fileURLToPath(new URL('..', import.meta.url)))
  for (const problem of problems) console.error(problem)
  console.log(
    problems.length === 0
      ? 'doc comments begin with their subject'
      : `${problems.length} doc comments without a subject`,
  )
  process.exit(problems.length === 0 ? 0 : 1)
}
