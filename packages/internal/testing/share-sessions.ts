import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { afterAll, beforeAll } from 'vitest'

interface Session {
  release: () => Promise<void>
}
interface Runtime {
  InferenceSession: { create: (bytes: Uint8Array, options: unknown) => Promise<Session> }
}

const vlm = createRequire(new URL('../../vlm/package.json', import.meta.url))
const { InferenceSession } = vlm('onnxruntime-node') as Runtime
const { create } = InferenceSession
const opened = new Map<string, Promise<Session>>()

/**
 * Half of what a short run takes is opening its programs: in the test file that calls this, one of the same bytes and
 * options is opened once and stays open. `kill.test.ts` opens its own in each of its processes.
 */
export function shareSessions(): void {
  beforeAll(() => {
    InferenceSession.create = (bytes, options) => {
      const key = createHash('sha256').update(bytes).update(JSON.stringify(options)).digest('hex')
      const session = opened.get(key) ?? openForGood(bytes, options)
      opened.set(key, session)
      return session
    }
  })
  afterAll(() => {
    InferenceSession.create = create
  })
}

async function openForGood(bytes: Uint8Array, options: unknown): Promise<Session> {
  const session = await create.call(InferenceSession, bytes, options)
  session.release = () => Promise.resolve()
  return session
}
