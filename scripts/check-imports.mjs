/**
 * Import rules: a package may import only the packages that docs/architecture.md lists for it, and the files and folders
 * that lie in one folder may not import one another in a circle. Both are read from the sources, type-only imports
 * included.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Package → packages of ours that it may import. `internal` is inlined into each bundle and allowed everywhere. */
export const allowed = {
  internal: [],
  settings: [],
  onnx: [],
  safetensors: [],
  hub: [],
  rewards: [],
  'rl-core': [],
  dataset: ['hub'],
  vlm: ['onnx', 'safetensors', 'hub'],
  eval: ['settings', 'rewards', 'dataset', 'vlm'],
  runs: ['settings', 'safetensors'],
  report: ['runs'],
  sft: ['settings', 'safetensors', 'rl-core', 'dataset', 'vlm', 'runs'],
  mstar: ['settings', 'rewards', 'rl-core', 'dataset', 'vlm', 'eval', 'runs', 'sft'],
  'tiny-world': [
    'onnx',
    'safetensors',
    'hub',
    'rewards',
    'rl-core',
    'dataset',
    'vlm',
    'eval',
    'sft',
    'settings',
  ],
  trainer: ['rewards', 'rl-core', 'dataset', 'vlm', 'settings', 'runs'],
  plan: ['vlm', 'trainer', 'mstar', 'settings'],
  cli: [
    'onnx',
    'safetensors',
    'hub',
    'rewards',
    'rl-core',
    'dataset',
    'vlm',
    'eval',
    'runs',
    'report',
    'sft',
    'mstar',
    'trainer',
    'plan',
    'settings',
  ],
}

/** Package → packages of which it may import types alone: its code runs without them. */
const typesOnly = { eval: ['vlm'] }

/** Every violation below `root` (a folder that holds `packages/`), one sentence each. */
export function importProblems(root) {
  const problems = []
  const imports = []
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name, 'src')
    if (!existsSync(source)) continue
    if (!(name in allowed))
      problems.push(`packages/${name}: not in the import table of scripts/check-imports.mjs`)
    for (const file of typescriptFiles(source)) {
      for (const specifier of new Set(importsOf(file))) {
        if (specifier.startsWith('.')) {
          const target = `${join(dirname(file), specifier)}.ts`
          if (relative(source, target).startsWith('..'))
            problems.push(`${relative(root, file)}: imports ${specifier}, outside its package`)
          else imports.push([relative(root, file), relative(root, target)])
        } else if (specifier.startsWith('@evolmm/')) {
          const target = specifier.split('/')[1]
          if (target !== 'internal' && !(allowed[name] ?? []).includes(target))
            problems.push(`${relative(root, file)}: ${name} may not import ${specifier}`)
          else if (typesOnly[name]?.includes(target) && !importsTypesAlone(file, specifier))
            problems.push(`${relative(root, file)}: ${name} may import types alone of ${specifier}`)
        }
      }
    }
  }
  for (const { folder, entries, examples } of circles(imports))
    problems.push(`${folder}: ${entries.join(', ')} import one another: ${examples.join(', ')}`)
  return problems
}

function typescriptFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
}

function importsOf(file) {
  return ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles.map((imported) => imported.fileName)
}

function importsTypesAlone(file, specifier) {
  const { statements } = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  const typed = statements.filter(
    ({ importClause, isTypeOnly }) => importClause?.isTypeOnly === true || isTypeOnly === true,
  )
  const counted = (names) => names.filter((name) => name === specifier).length
  return counted(typed.map(({ moduleSpecifier }) => moduleSpecifier?.text)) === counted(importsOf(file))
}

/** Entries of one folder that reach one another by imports, and one import for each step between them. */
function circles(imports) {
  const folders = new Map()
  for (const [from, to] of imports) {
    const [a, b] = [from.split(sep), to.split(sep)]
    const depth = a.findIndex((part, i) => part !== b[i])
    if (depth < 0) continue
    const folder = a.slice(0, depth).join('/')
    const steps = folders.get(folder) ?? new Map()
    const step = steps.get(a[depth]) ?? new Map()
    step.set(b[depth], step.get(b[depth]) ?? [a, b].map((path) => path.slice(depth).join('/')).join(' → '))
    folders.set(folder, steps.set(a[depth], step))
  }
  return [...folders].flatMap(([folder, steps]) => {
    const reached = new Map([...steps.keys()].map((entry) => [entry, reachable(steps, entry)]))
    const round = [...steps.keys()].filter((entry) => reached.get(entry).has(entry)).sort()
    const sets = new Set(
      round.map((entry) =>
        round.filter((other) => reached.get(entry).has(other) && reached.get(other).has(entry)).join('/'),
      ),
    )
    return [...sets].map((set) => {
      const entries = set.split('/')
      const examples = entries.flatMap((from) =>
        [...steps.get(from)].filter(([to]) => entries.includes(to)).map(([, example]) => example),
      )
      return { folder, entries, examples }
    })
  })
}

/** Entries that `start` leads to, itself only by way of a circle. */
function reachable(steps, start) {
  const found = new Set()
  const visit = (entry) => {
    for (const next of steps.get(entry)?.keys() ?? []) {
      if (found.has(next)) continue
      found.add(next)
      visit(next)
    }
  }
  visit(start)
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = importProblems(fileURLToPath(new URL('..', import.meta.url)))
  for (const problem of problems) console.error(problem)
  console.log(problems.length === 0 ? 'import rules hold, no circles' : `${problems.length} import problems`)
  process.exit(problems.length === 0 ? 0 : 1)
}
