/** A run that can be taken up again, or made longer: everything that later iterations depend on, in one file. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'

export async function saveProgress(file, { state, ...progress }) {
  const role = ({ adapter, ...rest }) => ({ ...rest, parameters: adapter.parameters })
  const plain = {
    ...progress,
    state: { ...state, solver: role(state.solver), proposer: role(state.proposer) },
  }
  await writeFile(`${file}.part`, serialize(plain))
  await rename(`${file}.part`, file)
}

/** Moves `state` to where the file was written; returns the rest of it, or nothing if there is no file. */
export async function loadProgress(file, state) {
  if (!existsSync(file)) return undefined
  const { state: saved, ...progress } = deserialize(await readFile(file))
  for (const role of ['solver', 'proposer']) {
    const { parameters, ...rest } = saved[role]
    state[role].adapter.parameters.set(parameters)
    Object.assign(state[role], rest)
  }
  Object.assign(state, { step: saved.step, watch: saved.watch })
  return progress
}
