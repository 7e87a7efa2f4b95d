/** The table of operators in docs/onnx.md that have gradients, made from the rules and from the cases that check them. */
import { Graph, type Node } from '@evolmm/onnx'
import { gradientContext } from '../../src/rules/rule'
import { gradientRules } from '../../src/rules/index'
import type { GradientCase, GradientCases } from './gradient-case'

/** Operators that `grad` handles itself, each with the inputs that get gradients. */
export const withoutRule: Readonly<Record<string, string>> = { If: 'what its branches use' }

const header = ['Family', 'Operators', 'Gradients for', 'Checked in']

/** Operators of a family with equal entries share a row. */
export function gradientTable(families: Readonly<Record<string, GradientCases>>): string {
  const rows = [header]
  for (const [family, operators] of Object.entries(families)) {
    const alike = new Map<string, string[]>()
    for (const [opType, cases] of Object.entries(operators)) {
      const entry = JSON.stringify([
        withoutRule[opType] ?? inputsWithGradient(opType, cases),
        precision(cases),
      ])
      alike.set(entry, [...(alike.get(entry) ?? []), opType])
    }
    for (const [entry, names] of alike)
      rows.push([family, names.join(', '), ...(JSON.parse(entry) as string[])])
  }
  return markdown(rows)
}

/** The inputs that the rule has a gradient for, over all nodes of the operator that the cases make. */
function inputsWithGradient(opType: string, cases: readonly GradientCase[]): string {
  const given = new Set<number>()
  const differentiated = new Set<number>()
  for (const each of cases) {
    for (const node of nodesOf(opType, each)) {
      const gradients = node.outputs.map((output, index) => (index === 0 ? output : undefined))
      const makers = gradientRules.get(opType)?.(gradientContext(node, gradients)) ?? []
      for (const [index, input] of node.inputs.entries()) {
        if (input === undefined) continue
        given.add(index)
        if (makers[index] !== undefined) differentiated.add(index)
      }
    }
  }
  if (given.size === 0) throw new Error(`the cases of ${opType} make no ${opType}`)
  if (differentiated.size === 0) return 'no input: constant in steps'
  if (differentiated.size === given.size) return given.size === 1 ? 'the input' : 'all inputs'
  const places = [...differentiated].sort((a, b) => a - b).map((index) => index + 1)
  return `${places.length > 1 ? 'inputs' : 'input'} ${places.join(', ')} of ${given.size}`
}

function nodesOf(opType: string, each: GradientCase): Node[] {
  const graph = new Graph('probe', { opset: each.opset ?? 21 })
  const inputs = each.shapes.map((shape, index) =>
    graph.input(
      `x${index}`,
      each.dtype ?? 'float64',
      each.symbolic ? shape.map((_, axis) => `d${index}_${axis}`) : shape,
    ),
  )
  each.build(inputs, graph)
  return graph.body.nodes.filter((node) => node.opType === opType)
}

function precision(cases: readonly GradientCase[]): string {
  const single = cases.filter(({ dtype }) => dtype === 'float32')
  if (single.length === 0) return 'float64, 1e-6'
  const bound = `float32, ${Math.max(...single.map(({ tolerance }) => tolerance ?? 0)).toExponential()}`
  return single.length === cases.length ? bound : `float64, 1e-6; in part ${bound}`
}

/** Columns padded to equal width, as the formatter wants them. */
function markdown(rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(rows[0]), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join(
    '\n',
  )
}
