/** All that reads what comes from outside: its name, a few small inputs that are good, and how one is read. */
import { checkpointReaders } from './readers/checkpoint'
import { dataReaders } from './readers/data'
import { evaluationReaders } from './readers/evaluation'
import type { FuzzedReader } from './readers/reader'
import { mstarReaders } from './readers/mstar'
import { runReaders } from './readers/run'
import { serviceReaders } from './readers/services'
import { weightReaders } from './readers/weights'

export type { FuzzedReader } from './readers/reader'

export const readers: readonly FuzzedReader[] = [
  ...weightReaders,
  ...dataReaders,
  ...checkpointReaders,
  ...runReaders,
  ...mstarReaders,
  ...evaluationReaders,
  ...serviceReaders,
]
