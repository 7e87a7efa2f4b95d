export { EvolmmError } from '@evolmm/internal'
