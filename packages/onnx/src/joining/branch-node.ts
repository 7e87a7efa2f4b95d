/** A model as a branch: where it does not run, its outputs are empty. */
import { create } from '@bufbuild/protobuf'
import { dtypeBytes, dtypeCode } from '../graph/dtype'
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto,
} from '../proto/gen/onnx_pb'
import { typedValue, typeOf } from './values'

export interface BranchNode {
  node: NodeProto
  /** The types of its results. */
  types: ValueInfoProto[]
}

/** `runs` is the name of the condition, `results` those of what the node gives. */
export function branchNode(
  branch: GraphProto,
  { runs, results }: { runs: string; results: readonly string[] },
): BranchNode {
  const outputs = branch.output.map((output) => ({ name: output.name, ...typeOf(output) }))
  onlyMade(branch)
  const otherwise = create(GraphProtoSchema, {
    name: `${branch.name}, not run`,
    node: outputs.map(absent),
    output: outputs.map(({ name, dtype, lengths }) => typedValue(absentName(name), dtype, lengths)),
  })
  return {
    node: create(NodeProtoSchema, {
      opType: 'If',
      name: runs,
      input: [runs],
      output: [...results],
      attribute: Object.entries({ then_branch: branch, else_branch: otherwise }).map(([name, g]) =>
        create(AttributeProtoSchema, { name, type: Kind.GRAPH, g }),
      ),
    }),
    types: outputs.map(({ dtype }, i) => typedValue(results[i], dtype)),
  }
}

/** A branch may not give what comes from without as it is. */
function onlyMade(branch: GraphProto): void {
  const made = new Set(branch.node.flatMap(({ output }) => output))
  for (const output of branch.output) {
    if (made.has(output.name)) continue
    const input = [output.name]
    output.name += ' given'
    branch.node.push(create(NodeProtoSchema, { opType: 'Identity', input, output: [output.name] }))
  }
}

const absentName = (name: string) => `${name} absent`

/** A constant of no numbers, or of one that nobody reads. */
function absent({ name, dtype, lengths }: { name: string } & ReturnType<typeof typeOf>): NodeProto {
  const t = create(TensorProtoSchema, {
    dataType: dtypeCode(dtype),
    dims: lengths.map(() => 0n),
    rawData: new Uint8Array(lengths.length === 0 ? dtypeBytes(dtype) : 0),
  })
  return create(NodeProtoSchema, {
    opType: 'Constant',
    output: [absentName(name)],
    attribute: [create(AttributeProtoSchema, { name: 'value', type: Kind.TENSOR, t })],
  })
}
