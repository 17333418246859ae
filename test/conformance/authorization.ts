/** The suite's checks of authorization servers, against the OAuth proxy: a part of `npm run conformance`. */
import { startServer, startTenant } from '../../demo/stack.ts'
import { freePort } from '../helper.ts'
import { register } from '../sign-in-helper.ts'
import { report, runSuite, specVersions, useBrowser } from './suite.ts'

const scenarios = ['authorization-server-metadata-endpoint', 'authorization-code-grant']

const tenant = await startTenant(0)
const server = await startServer(tenant, { port: 0, log: false })
const issuer = new URL(server.url).origin
try {
  const port = await freePort()
  const { body } = await register(issuer, { redirect_uris: [`http://127.0.0.1:${port}/callback`] })
  const clients = { configured: tenant.api.clientId, registered: String(body['client_id']) }
  for (const specVersion of specVersions) {
    for (const [kind, clientId] of Object.entries(clients)) {
      process.stdout.write(`\n--- ${specVersion}, the ${kind} client\n`)
      const about = ['--url', issuer, '--client-id', clientId, '--resource', server.url, '--port', String(port)]
      const args = ['authorization', ...about, '--spec-version', specVersion]
      report(await runSuite(args, { scenarios, onLine: signInWhenAsked() }))
    }
  }
} finally {
  await server.close()
  await tenant.close()
}

/** The suite prints the URL that a person is to open, and then begins to listen for what comes back. */
function signInWhenAsked() {
  let authorizationUrl = ''
  return async (line: string) => {
    if (/^https?:\/\/\S+$/.test(line)) authorizationUrl = line
    if (line.startsWith('Callback server started')) await useBrowser(authorizationUrl)
  }
}
