/** The command as a process of its own, without a model. */
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../../src/start'
import { fakeLibrary } from './fake-library'

const { FAKE_PIECES = '1', FAKE_WAIT = '0' } = process.env
const pieces = Array.from({ length: Number(FAKE_PIECES) }, (_, i) => `word${i} `)
const onLoad = () => {
  process.emitWarning('something\nis odd', { type: 'EvolmmWarning' })
}

const wait = Number(FAKE_WAIT)
const beforePiece = wait > 0 ? () => sleep(wait) : undefined

await start({ library: fakeLibrary({ pieces, beforePiece, onLoad }), version: '1.2.3' })
