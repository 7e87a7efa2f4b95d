/**
 * Lines of code of each package's src, without comments and blank lines: node scripts/count-lines.mjs [FROM [TO]]
 * FROM and TO are git revisions; without TO the working tree is counted, without FROM there is nothing to compare with.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import ts from 'typescript'

const git = (...args) => execFileSync('git', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })

/** The number of lines that hold a token: the parser knows comments from what looks like one. */
function codeLines(text) {
  const file = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest)
  const lines = new Set()
  const lineOf = (position) => file.getLineAndCharacterOfPosition(position).line
  const visit = (node) => {
    if (ts.isJSDoc(node)) return
    const children = node.getChildren(file)
    if (children.length > 0) children.forEach(visit)
    else
      for (let l = lineOf(node.getStart(file)); l <= lineOf(node.getEnd()); l++)
        if (node.getWidth(file) > 0) lines.add(l)
  }
  visit(file)
  return lines.size
}

function count(revision) {
  const listed =
    revision === undefined
      ? git('ls-files', '-co', '--exclude-standard', 'packages')
      : git('ls-tree', '-r', '--name-only', revision, 'packages')
  const lines = new Map()
  for (const path of listed.split('\n')) {
    const name = /^packages\/([^/]+)\/src\/(?!.*\bgen\/).*\.ts$/.exec(path)?.[1]
    if (name === undefined) continue
    const text = revision === undefined ? readFileSync(path, 'utf8') : git('show', `${revision}:${path}`)
    lines.set(name, (lines.get(name) ?? 0) + codeLines(text))
  }
  return lines
}

const [from, to] = process.argv.slice(2)
const before = from === undefined ? new Map() : count(from)
const after = count(to)
const rows = [...new Set([...before.keys(), ...after.keys()])].sort()
const sum = (lines) => [...lines.values()].reduce((a, b) => a + b, 0)
console.log('| package | before | after | difference |\n| --- | ---: | ---: | ---: |')
for (const name of rows) {
  const [a, b] = [before.get(name) ?? 0, after.get(name) ?? 0]
  console.log(`| ${name} | ${a} | ${b} | ${b - a} |`)
}
console.log(`| all | ${sum(before)} | ${sum(after)} | ${sum(after) - sum(before)} |`)
