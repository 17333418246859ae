import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tenantEndpoints } from '../../src/config/tenant.ts'

const tenantId = '11111111-2222-3333-4444-555555555555'
const clientId = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'

for (const [cloud, authorityHost, issuerV1Host, suffix] of [
  ['the global cloud', 'https://login.microsoftonline.com', 'https://sts.windows.net', ''],
  ['US Government', 'https://login.microsoftonline.us', 'https://sts.windows.net', 'USGov'],
  ['China', 'https://login.partner.microsoftonline.cn', 'https://sts.chinacloudapi.cn', 'China'],
  ['an emulated tenant', 'http://127.0.0.1:9600', 'https://sts.windows.net', ''],
] as const) {
  test(`the endpoints of ${cloud} are under its own host`, () => {
    assert.deepEqual(tenantEndpoints({ authorityHost, tenantId, clientId }), {
      issuer: `${authorityHost}/${tenantId}/v2.0`,
      issuerV1: `${issuerV1Host}/${tenantId}/`,
      keysUrl: `${authorityHost}/${tenantId}/discovery/v2.0/keys`,
      authorizeUrl: `${authorityHost}/${tenantId}/oauth2/v2.0/authorize`,
      tokenUrl: `${authorityHost}/${tenantId}/oauth2/v2.0/token`,
      adminConsentUrl: `${authorityHost}/${tenantId}/adminconsent?client_id=${clientId}`,
      tokenExchangeAudience: `api://AzureADTokenExchange${suffix}`,
    })
  })
}
