/** A process of its own that trains until it is done or killed: node killed-run.mjs FOLDER IMAGES STEPS */
import { train } from '../../src/index'
import { tinyTrain } from './tiny-train'

const [folder, images, steps] = process.argv.slice(2)
await train(tinyTrain(folder, images, { save_every: 1, total_steps: Number(steps) }))
