/** The programs of a plan as a table that people read. */
import { formatBytes } from '@evolmm/internal'
import type { PlannedGraph } from '@evolmm/plan'
import type { PlannedTensor } from '@evolmm/vlm'

/** A line for each program, and with `tensors` one for each of its inputs and outputs. */
export function formatGraphs(
  graphs: readonly PlannedGraph[],
  { tensors = false }: { tensors?: boolean } = {},
): string {
  const lines = graphs.flatMap(({ name, nodes, bytes, weight_bytes: weights, inputs, outputs }) => [
    `  ${name.padEnd(18)}${nodes.toLocaleString('en').padStart(7)} nodes${formatBytes(bytes).padStart(9)}` +
      `, refers to ${formatBytes(weights)} of weights`,
    ...(tensors ? [...tensorLines('in ', inputs), ...tensorLines('out', outputs)] : []),
  ])
  return ['Programs, built from the configuration', ...lines, ''].join('\n')
}

/** Those that every layer has are one line. */
function tensorLines(label: string, tensors: readonly PlannedTensor[]): string[] {
  const stems = [...new Set(tensors.map(stemOf))]
  return stems.map((stem) => {
    const group = tensors.filter((each) => stemOf(each) === stem)
    const [{ name, dtype, shape }, last] = [group[0], group[group.length - 1]]
    const names = group.length > 1 ? `${name} to ${last.name}` : name
    return `    ${label}  ${names.padEnd(30)}${dtype.padEnd(8)} [${shape.join(', ')}]`
  })
}

function stemOf({ name }: PlannedTensor): string {
  return name.replace(/\d+$/, '')
}
