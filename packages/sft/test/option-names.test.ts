import { testOptionNames } from '@evolmm/internal/testing'
import { supervise } from '../src/index'

testOptionNames([['supervise', supervise, { setings: {} }, 'settings']])
