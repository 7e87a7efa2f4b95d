export { bundleScript } from './bundle-script'
export { runReadmeExample } from './run-readme-example'
