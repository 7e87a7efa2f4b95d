/** Several programs as one session, which has their weights once. */
import { joinModels, type JoinedInput } from '@evolmm/onnx'
import type { Feed } from '../backbones/feed'
import { Tensor } from './onnxruntime'
import {
  failureOf,
  openSession,
  tensorsOf,
  type Feeds,
  type OpenProgramOptions,
  type Program,
} from './session'

export interface Member {
  /** The name for messages. */
  name: string
  /** The file of the program, without functions. */
  model: Uint8Array
}

export interface JointSession {
  members: ReadonlySet<Member>
  run: (member: Member, feeds: Feeds) => ReturnType<Program['run']>
  release: () => Promise<void>
}

/** Opens `members`; if that fails, the error names the last of them. */
export async function openJoint(
  members: readonly Member[],
  options: OpenProgramOptions,
): Promise<JointSession> {
  const { bytes, parts } = joinModels(new Map(members.map(({ model }, i) => [String(i), model])))
  const session = await openSession(bytes, options).catch(
    failureOf(members[members.length - 1].name, options.providers),
  )
  const idle = new Map(
    [...parts.values()].flatMap(({ runs, inputs }) => [
      [runs, flag(false)] as const,
      ...[...inputs.values()].map((input) => [input.name, nothing(input)] as const),
    ]),
  )
  return {
    members: new Set(members),
    run: async (member, feeds) => {
      const part = parts.get(String(members.indexOf(member)))
      if (part === undefined) throw new Error(`internal: "${member.name}" is not in the session`)
      const { runs, inputs, outputs } = part
      const given = new Map(idle).set(runs, flag(true))
      // What is missing is for the runtime to find.
      for (const { name } of inputs.values()) given.delete(name)
      for (const [own, tensor] of tensorsOf(feeds)) {
        const input = inputs.get(own)
        if (input !== undefined) given.set(input.name, tensor)
      }
      const results = await session
        .run(Object.fromEntries(given), [...outputs.values()])
        .catch(failureOf(member.name, options.providers))
      return Object.fromEntries([...outputs].map(([own, name]) => [own, results[name]]))
    },
    release: () => session.release(),
  }
}

const flag = (value: boolean) => new Tensor('bool', Uint8Array.of(Number(value)), [])

const arrays = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array }

/** What a program that does not run is given. */
function nothing({ dtype, rank }: JoinedInput): Tensor {
  const type = dtype as Feed['dtype']
  const data = new arrays[type](rank === 0 ? 1 : 0)
  return new Tensor(type, data as Float32Array, Array<number>(rank).fill(0))
}
