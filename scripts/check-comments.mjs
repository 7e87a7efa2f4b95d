/**
 * The rules for doc comments of packages, their tests and benches included. One begins with its subject, not with a
 * preposition ("Of every draw") or a clause that hangs on nothing ("Whether to go on"); and three words or fewer
 * ("Tokens.") are no sentence, but for what a function throws. A reader of one field sees its comment alone. A shape, code
 * or a default may stand alone.
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

/** What is wrong with the words of a comment, if anything is. */
function problemOf(words) {
  if (bare.has(/^[a-z]+/i.exec(words)?.[0].toLowerCase())) return 'begin with the subject'
  const said = words.replace(/@\w+ .*$/, '').replace(/\b(u?int|float)\d+ (?=\[)|\[[^\]]*\]/g, '')
  const isCode = /^(`[^`]*`|"[^"]*")?[\s.,;]*$/.test(said)
  const length = said.split(/\s+/).filter((word) => /\p{L}|`/u.test(word)).length
  return !isCode && length <= 3 && !said.startsWith('Throws ') ? 'say it in a sentence' : undefined
}

/** Every doc comment below `root` (a folder that holds `packages/`) that breaks a rule, one line each. */
export function commentProblems(root) {
  const problems = []
  for (const name of readdirSync(join(root, 'packages'))) {
    for (const file of filesOf(join(root, 'packages', name))) {
      const text = readFileSync(file, 'utf8')
      for (const { index, 1: body } of text.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\//gm)) {
        const words = body
          .replace(/^\s*\*/gm, '')
          .replace(/\s+/g, ' ')
          .trim()
        const problem = problemOf(words)
        if (problem === undefined) continue
        const line = text.slice(0, index).split('\n').length
        problems.push(`${relative(root, file)}:${line}: ${problem}: ${words.slice(0, 60)}`)
      }
    }
  }
  return problems
}

/** The files of a package that people write; generated ones are nobody's words. */
function* filesOf(home) {
  for (const folder of ['src', 'test', 'bench'].map((name) => join(home, name)).filter(existsSync))
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      const parts = relative(folder, file).split('/')
      // What a test bundled lies in folders with a dot.
      const isOurs = /\.(ts|mjs)$/.test(file) && !parts.some((part) => part === 'gen' || part.startsWith('.'))
      if (entry.isFile() && isOurs) yield file
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = commentProblems(fileURLToPath(new URL('..', import.meta.url)))
  for (const problem of problems) console.error(problem)
  console.log(
    problems.length === 0
      ? 'doc comments are sentences that begin with their subject'
      : `${problems.length} doc comments to rewrite`,
  )
  process.exit(problems.length === 0 ? 0 : 1)
}
