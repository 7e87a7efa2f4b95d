/**
 * Writes `test/fixtures/kernels.json`: which kernels the providers of ONNX Runtime have, for which versions of an operator
 * and which types. They are read off two published documents, `docs/OperatorKernels.md` of the runtime's repository and
 * `docs/Operators.md` of ONNX's, which are given as files together with the commits that they are of:
 *
 *     node packages/vlm/scripts/write-kernels.mjs OperatorKernels.md COMMIT Operators.md COMMIT > packages/vlm/test/fixtures/kernels.json
 *
 * `operators` says of each operator at which versions it changed (none for a contributed one, which has version 1) and
 * what its operands are, a text for each of its forms: `A:T B:T -> C:T`. A kernel is `[first, last, types]`, where no last
 * version is null and types are by operand or by letter, as places in `types`.
 */
import { readFile } from 'node:fs/promises'

const providers = { CPUExecutionProvider: 'cpu', CUDAExecutionProvider: 'cuda' }
const prefixes = { 'ai.onnx': '', 'com.microsoft': 'com.microsoft.' }
const names = { float: 'float32', double: 'float64' }

const [kernelsFile, kernelsCommit, operatorsFile, operatorsCommit] = process.argv.slice(2)
if (operatorsCommit === undefined) throw new Error('must be given two documents, each with its commit')

const versions = versionsOf(await readFile(operatorsFile, 'utf8'))
const types = []
const operators = new Map()
const kernels = { cpu: new Map(), cuda: new Map() }
for (const row of rowsOf(await readFile(kernelsFile, 'utf8'))) {
  const { provider, operator, forms, first, last, allowed } = row
  const known = operators.get(operator)?.forms ?? []
  operators.set(operator, {
    versions: versions.get(operator) ?? [],
    forms: [...new Set([...known, ...forms])],
  })
  const places = Object.entries(allowed).map(([letter, list]) => [letter, placeOf(list)])
  const entry = [first, last, Object.fromEntries(places)]
  kernels[provider].set(operator, [...(kernels[provider].get(operator) ?? []), entry])
}
const source = (repository, file, commit) => ({ repository, file, commit })
process.stdout.write(
  `{\n${[
    `"sources": ${JSON.stringify([
      source('microsoft/onnxruntime', 'docs/OperatorKernels.md', kernelsCommit),
      source('onnx/onnx', 'docs/Operators.md', operatorsCommit),
    ])}`,
    `"types": [\n${types.map((list) => JSON.stringify(list)).join(',\n')}\n]`,
    `"operators": ${lines(operators)}`,
    `"kernels": {\n"cpu": ${lines(kernels.cpu)},\n"cuda": ${lines(kernels.cuda)}\n}`,
  ].join(',\n')}\n}\n`,
)

/** Versions of the standard operators at which they changed. */
function versionsOf(text) {
  const section = text.split(/^### /m).find((part) => part.startsWith('ai.onnx (default)'))
  if (section === undefined)
    throw new Error(`${operatorsFile}: must have a section of the standard operators`)
  const found = new Map()
  for (const [, name, since] of section.matchAll(/^\|<a href="#\w+">(\w+)<\/a>\|(.*?)\|/gm)) {
    const all = Array.from(since.matchAll(/">(\d+)<\/a>/g), ([, version]) => Number(version))
    found.set(name, all.reverse())
  }
  return found
}

/** The rows of the tables of kernels; one without a name is of the operator above it. */
function* rowsOf(text) {
  let provider, prefix, operator, forms
  for (const line of text.split('\n')) {
    const heading = /^## Operators implemented by (\w+)/.exec(line)
    if (heading !== null) [provider, prefix] = [providers[heading[1]], undefined]
    const domain = /^\|\*\*Operator Domain:\*\* \*([\w.]+)\*/.exec(line)
    if (domain !== null) prefix = prefixes[domain[1]]
    const isRow = line.startsWith('|') && !/^\|( |-|Op Name\||\*\*Operator Domain)/.test(line)
    if (!isRow || provider === undefined || prefix === undefined) continue
    const row = /^\|(\w*)\|(.*?)\|(\[\d+, \d+\]|\d+\+?)\|(.*)\|$/.exec(line)
    if (row === null) throw new Error(`${kernelsFile}: must have rows of four columns, got ${line}`)
    if (row[1] !== '') [operator, forms] = [prefix + row[1], formsOf(row[2])]
    const [, first, last = first] = /(\d+)(?:, (\d+))?/.exec(row[3])
    const end = row[3].endsWith('+') ? null : Number(last)
    yield { provider, operator, forms, first: Number(first), last: end, allowed: allowedOf(row[4]) }
  }
}

/** The forms of an operator: `A:T B:T -> C:T`. */
function formsOf(text) {
  return text.split('<br><br>or<br><br>').map((form) => {
    const operands = [...form.matchAll(/\*(in|out)\* ([\w.]+):\*\*(.*?)\*\*(?=<br>|$)/g)]
    const of = (side) =>
      operands.filter(([, which]) => which === side).map(([, , name, type]) => `${name}:${typeName(type)}`)
    return [...of('in'), '->', ...of('out')].join(' ')
  })
}

/** Types of tensors by the letter that stands for them; sequences and maps are left out. */
function allowedOf(text) {
  const parts = [...text.matchAll(/\*\*(\w+)\*\* = (.*?)(?=<br\/?>|$)/g)]
  return Object.fromEntries(
    parts.map(([, letter, list]) => [
      letter,
      list
        .split(', ')
        .filter((type) => type.startsWith('tensor('))
        .map(typeName),
    ]),
  )
}

function typeName(type) {
  const inner = /^tensor\((\w+)\)$/.exec(type)?.[1]
  return inner === undefined ? type : (names[inner] ?? inner)
}

function placeOf(list) {
  const text = list.join(' ')
  if (!types.includes(text)) types.push(text)
  return types.indexOf(text)
}

function lines(map) {
  const entries = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{\n${entries.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(',\n')}\n}`
}
