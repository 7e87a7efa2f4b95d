/**
 * Import rules: a package may import only the packages that docs/architecture.md lists for it, and no file may
 * be part of an import circle. Both are read from the sources, type-only imports included.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Package → packages of ours that it may import. `internal` is inlined into each bundle and allowed everywhere. */
export const allowed = {
  internal: [],
  onnx: [],
  safetensors: [],
  hub: [],
  rewards: [],
  'rl-core': [],
  dataset: [],
  vlm: ['onnx', 'safetensors', 'hub'],
  eval: ['vlm', 'rewards'],
  'tiny-world': ['onnx', 'safetensors', 'hub', 'rewards', 'rl-core', 'dataset', 'vlm', 'eval', 'trainer'],
  trainer: ['onnx', 'safetensors', 'rewards', 'rl-core', 'dataset', 'vlm', 'eval'],
  cli: ['onnx', 'safetensors', 'hub', 'rewards', 'rl-core', 'dataset', 'vlm', 'eval', 'trainer'],
}

/** Every violation below `root` (a folder that holds `packages/`), one sentence each. */
export function importProblems(root) {
  const problems = []
  const graph = new Map()
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name, 'src')
    if (!existsSync(source)) continue
    if (!(name in allowed))
      problems.push(`packages/${name}: not in the import table of scripts/check-imports.mjs`)
    for (const file of typescriptFiles(source)) {
      const local = []
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('.')) {
          local.push(`${join(dirname(file), specifier)}.ts`)
          if (relative(source, join(dirname(file), specifier)).startsWith('..'))
            problems.push(`${relative(root, file)}: imports ${specifier}, outside its package`)
        } else if (specifier.startsWith('@evolmm/')) {
          const target = specifier.split('/')[1]
          if (target !== 'internal' && !(allowed[name] ?? []).includes(target))
            problems.push(`${relative(root, file)}: ${name} may not import ${specifier}`)
        }
      }
      graph.set(file, local)
    }
  }
  for (const circle of circles(graph))
    problems.push(`import circle: ${circle.map((file) => relative(root, file)).join(' → ')}`)
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

/** Depth-first search; each circle is reported once, from the file that closes it. */
function circles(graph) {
  const found = []
  const done = new Set()
  const visit = (file, path) => {
    const start = path.indexOf(file)
    if (start >= 0) return void found.push([...path.slice(start), file])
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = importProblems(fileURLToPath(new URL('..', import.meta.url)))
  for (const problem of problems) console.error(problem)
  console.log(problems.length === 0 ? 'import rules hold, no circles' : `${problems.length} import problems`)
  process.exit(problems.length === 0 ? 0 : 1)
}
