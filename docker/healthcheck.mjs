// The image's HEALTHCHECK: node healthcheck.mjs [port] [path]. Exits with 0 where this container answers 200.
// By node:http, which Node has at hand, where fetch would be loaded for it: the check runs every half a minute.
import { get } from 'node:http'

const [port = process.env.PORT || '8080', path = '/healthz'] = process.argv.slice(2)
const timeout = 2_000
get({ host: '127.0.0.1', port, path, timeout }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
