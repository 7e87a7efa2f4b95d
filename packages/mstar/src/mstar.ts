/** M-STaR as `@evolmm/runs` knows it: its name, its settings, and what its records are. */
import type { Method } from '@evolmm/runs'
import { metrics } from './metrics'
import { mstarLog } from './mstar-log'
import { mstarPage } from './page'
import type { MstarRecord } from './record'
import { mstarSettings } from './settings'

export const mstar: Omit<Method<MstarRecord, (typeof mstarSettings)['rows']>, 'open'> = {
  name: 'mstar',
  schema: mstarSettings,
  metrics,
  log: mstarLog,
  page: mstarPage,
}
