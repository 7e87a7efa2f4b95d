/** The command as a process of its own, without a model. */
import { getHeapSpaceStatistics } from 'node:v8'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../../src/start'
import { fakeLibrary, type FakeOptions } from './fake-library'

const { FAKE_PIECES = '1', FAKE_WAIT = '0', FAKE_HEAP } = process.env
const pieces = Array.from({ length: Number(FAKE_PIECES) }, (_, i) => `word${i} `)
const onLoad = () => {
  process.emitWarning('something\nis odd', { type: 'EvolmmWarning' })
}

const wait = Number(FAKE_WAIT)
const beforePiece = wait > 0 ? () => sleep(wait) : undefined

/** Bytes of the young generation after objects have outlived it. */
function youngHeap(): number {
  const kept = []
  for (let i = 0; i < 1e6; i++) kept.push({ i })
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  return kept.length > 0 && young !== undefined ? young.space_size : NaN
}

/** Goes on until it is stopped, and then takes its time. */
const onTrain: FakeOptions['onTrain'] = async (_, { signal }) => {
  process.stderr.write('training\n')
  if (FAKE_HEAP !== undefined) return { folder: `${youngHeap()}`, step: 7, status: 'finished' }
  const alive = setInterval(() => undefined, 1000)
  await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  await sleep(wait)
  clearInterval(alive)
  return { folder: '/runs/tiny', step: 7, status: 'stopped' }
}

await start({ library: fakeLibrary({ pieces, beforePiece, onLoad, onTrain }), version: '1.2.3' })
