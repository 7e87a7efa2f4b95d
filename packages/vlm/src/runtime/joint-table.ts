/**
 * Programs of a model in one session, for devices to which a session copies its weights. The session has all programs that
 * were asked for: when one that it lacks is to run, it makes way for a session of more. So what is asked for before
 * anything runs is opened once, and weights are never there twice.
 */
import { serialize, type Graph } from '@evolmm/onnx'
import { checkOpen } from './check-open'
import { openJoint, type JointSession, type Member } from './joint-session'
import type { ProgramTable } from './program-table'
import type { OpenProgramOptions, Program } from './session'

export function jointTable(options: OpenProgramOptions): ProgramTable {
  const programs = new Map<string, Program>()
  const wanted = new Set<Member>()
  let session: JointSession | undefined
  let closed = false
  let last: Promise<unknown> = Promise.resolve()
  /** One after the other: nothing runs in a session that makes way. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
  const closeSession = async () => {
    const old = session
    session = undefined
    await old?.release()
  }
  const sessionWith = async (member: Member): Promise<JointSession> => {
    wanted.add(member)
    if (session?.members.has(member) === true) return session
    const before = session?.members ?? new Set()
    await closeSession()
    try {
      return (session = await openJoint([...wanted], options))
    } catch (error) {
      // Those that were there before can be opened again.
      for (const each of wanted) if (!before.has(each)) wanted.delete(each)
      throw error
    }
  }
  const programOf = (graph: Graph): Program => {
    const member = { name: graph.name, model: serialize(graph, { flat: true }) }
    wanted.add(member)
    return {
      inputs: new Set(graph.body.inputs.map(({ name }) => name)),
      run: (feeds) =>
        inTurn(async () => {
          checkOpen(closed)
          return (await sessionWith(member)).run(member, feeds)
        }),
    }
  }
  return {
    get: (key, build) => {
      checkOpen(closed)
      const program = programs.get(key) ?? programOf(build())
      programs.set(key, program)
      return Promise.resolve(program)
    },
    close: () => {
      closed = true
      programs.clear()
      return inTurn(closeSession)
    },
  }
}
