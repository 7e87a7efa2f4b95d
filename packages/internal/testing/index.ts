export { runReadmeExample } from './run-readme-example'
