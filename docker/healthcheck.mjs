// The image's HEALTHCHECK: node healthcheck.mjs [port] [path]. Exits with 0 if the response is 200.
// node:http starts faster than fetch; the check runs every 30 seconds.
import { get } from 'node:http'

const [port = process.env.PORT || '8080', path = '/healthz'] = process.argv.slice(2)
const timeout = 2_000
get({ host: '127.0.0.1', port, path, timeout }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
