import { testOptionNames } from '@evolmm/internal/testing'
import { writeReport } from '../src/index'

testOptionNames([['writeReport', writeReport, { folder: '/nowhere', kind: {}, image: 3 }, 'images']])
