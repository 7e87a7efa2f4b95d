/**
 * The EvoLMM loop. For each image the Proposer asks a question, the Solver answers it N times, agreement is the reward,
 * and both roles learn by REINFORCE with an exact KL to where they began.
 *
 * An iteration counts as a whole or not at all: until it is yielded nothing of it is in `options.state`, whatever fails
 * or ends the run.
 */
import { checkNames } from '@evolmm/internal'
import { emitWarning } from '@evolmm/internal/node'
import { collapseWatch, soloGroup } from '@evolmm/rl-core'
import { checkResolved } from '@evolmm/settings'
import { checkGroup } from './check-group'
import type { EvolveOptions } from './evolve-options'
import { grade } from './grade'
import { setLessons } from './lessons'
import type { Loop } from './loop'
import { propose } from './propose'
import { imageRecord } from './record/image-record'
import type { IterationRecord } from './record/record'
import { perRole, perRoleInTurn, type Role } from './role'
import { imageReader } from './see'
import { evolmmSettings } from './settings/settings'
import { solve } from './solve'
import { stopwatch } from './stopwatch'
import { updater } from './update'
import { watched } from './watched'

export async function* evolve(options: EvolveOptions): AsyncGenerator<IterationRecord, void, void> {
  checkNames('evolve', options, {
    solver: true,
    proposer: true,
    images: true,
    state: true,
    settings: true,
    group: true,
    signal: true,
    onWarning: true,
  })
  const { settings, state, signal, group = soloGroup, onWarning = emitWarning } = options
  checkResolved(evolmmSettings, settings)
  const loop: Loop = { ...options, group, onWarning }
  checkGroup(loop)
  const next = iteration(loop, signal)
  while (state.step < settings.total_steps) {
    const record = await next().catch(async (error: unknown) => {
      await group.abort(error)
      throw error
    })
    if (record === null) return
    yield record
    if (settings.stop_on_collapse && record.watch.alarms.length > 0) return
  }
}

/** One iteration after the other; `null` where a signal came before it counted. */
function iteration(loop: Loop, signal: AbortSignal | undefined): () => Promise<IterationRecord | null> {
  const { state, settings, group } = loop
  const see = imageReader(loop)
  const updaters = perRole((role) => updater(role, loop))
  const watch = collapseWatch({
    window: settings.collapse_window,
    entropyFloor: settings.collapse_entropy_floor,
    patience: settings.collapse_patience,
    kl: settings.collapse_kl,
  })
  const announce = announcer(loop)
  // All processes stop at the same place.
  const stopped = async () => (await group.gather(signal?.aborted === true)).includes(true)

  return async () => {
    if (await stopped()) return null
    const step = state.step + 1
    const clock = stopwatch()

    const episodes = await see(step)
    clock.lap('encode')
    if (await stopped()) return null

    await announce('proposer')
    await propose(loop, step, episodes)
    clock.lap('propose')
    if (await stopped()) return null

    await announce('solver')
    await solve(loop, step, episodes)
    await grade(loop, step, episodes)
    await setLessons(loop, step, episodes)
    clock.lap('solve')
    if (await stopped()) return null

    const prepared = await perRoleInTurn((role) => updaters[role].prepare(step, episodes))
    const images = (await group.gather(episodes.map(imageRecord))).flat()

    // From here on nothing waits and nothing fails.
    const updates = perRole((role) => prepared[role]?.commit() ?? null)
    clock.lap('learn')
    const { record, state: observed } = watch.observe(watched(images, updates), state.watch)
    state.watch = observed
    state.step = step
    return { step, images, ...updates, watch: record, probe: null, seconds: clock.read() }
  }
}

/** Says that a role's weights are others than at its last samples, or that there have been none. */
function announcer(loop: Loop): (role: Role) => Promise<void> {
  const known = new Map<Role, number>()
  return async (role) => {
    const { adapter, updates } = loop.state[role]
    if (known.get(role) === updates) return
    await loop[role].weightsChanged?.(adapter)
    known.set(role, updates)
  }
}
