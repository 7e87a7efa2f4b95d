/** The command as a process of its own, without a model. */
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../../src/start'
import { fakeLibrary, type FakeOptions } from './fake-library'

const { FAKE_PIECES = '1', FAKE_WAIT = '0' } = process.env
const pieces = Array.from({ length: Number(FAKE_PIECES) }, (_, i) => `word${i} `)
const onLoad = () => {
  process.emitWarning('something\nis odd', { type: 'EvolmmWarning' })
}

const wait = Number(FAKE_WAIT)
const beforePiece = wait > 0 ? () => sleep(wait) : undefined

/** Goes on until it is stopped, and then takes its time. */
const onTrain: FakeOptions['onTrain'] = async (_, { signal }) => {
  process.stderr.write('training\n')
  const alive = setInterval(() => undefined, 1000)
  await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  await sleep(wait)
  clearInterval(alive)
  return { folder: '/runs/tiny', step: 7, status: 'stopped' }
}

await start({ library: fakeLibrary({ pieces, beforePiece, onLoad, onTrain }), version: '1.2.3' })
