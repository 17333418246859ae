// The server, in the resource group that main.bicep makes. azd deploys it after it has built the image (azd deploy),
// so that configuration and image change together. `env` is its configuration; secrets come from the vault.
@description('Region, that of the environment')
param location string

@description('azd finds the app by this name')
param azdEnvironmentName string

param environmentId string
param identityId string
param identityClientId string
param registryServer string

@description('The image, with its registry')
param image string

param sealKeySecretUrl string
param cacheKeySecretUrl string

@description('Empty: no Redis')
param redisSecretUrl string = ''

@description('GRAPH_TENANT_ID: the Entra tenant whose Message Center is read')
param graphTenantId string

@description('GRAPH_CLIENT_ID: the app registration of the server')
param graphClientId string

param publicBaseUrl string

@description('MCP_OAUTH_REDIRECT_URI_PREFIXES: allowed redirect URIs. Empty: loopback and Teams')
param redirectUris string = ''

@description('TRUST_PROXY: the addresses that the ingress of Container Apps connects from')
param ingressAddresses string = '100.100.0.0/16'

@description('LOG_LEVEL')
param logLevel string = 'info'

@description('OTEL_EXPORTER_OTLP_ENDPOINT: collector of spans, OTLP over HTTP. Empty: no tracing')
param tracesEndpoint string = ''

@description('Minimum number of replicas. 0 costs nothing when idle, but the first call waits for a start')
param minReplicas string = '1'

@description('Maximum number of replicas')
param maxReplicas string = '10'

@description('Custom host name, such as mcp.example.com. Empty: that of Container Apps')
param customDomain string = ''

@description('Resource id of the certificate for customDomain. Empty: the name is added without TLS')
param customDomainCertificateId string = ''

@description('Tags of the app')
param tags object = {}

var port = 8080

var secrets = concat(
  [
    {
      name: 'mcp-oauth-seal-key'
      keyVaultUrl: sealKeySecretUrl
      identity: identityId
    }
  ],
  empty(redisSecretUrl) ? [] : [
    {
      name: 'redis-url'
      keyVaultUrl: redisSecretUrl
      identity: identityId
    }
    {
      name: 'cache-encryption-key'
      keyVaultUrl: cacheKeySecretUrl
      identity: identityId
    }
  ]
)

var env = concat(
  [
    {
      name: 'NODE_ENV'
      value: 'production'
    }
    {
      name: 'PORT'
      value: string(port)
    }
    {
      name: 'PUBLIC_BASE_URL'
      value: publicBaseUrl
    }
    {
      name: 'GRAPH_TENANT_ID'
      value: graphTenantId
    }
    {
      name: 'GRAPH_CLIENT_ID'
      value: graphClientId
    }
    {
      name: 'GRAPH_MANAGED_IDENTITY_CLIENT_ID'
      value: identityClientId
    }
    {
      name: 'MCP_OAUTH_SEAL_KEY'
      secretRef: 'mcp-oauth-seal-key'
    }
    {
      name: 'MCP_OAUTH_REDIRECT_URI_PREFIXES'
      value: redirectUris
    }
    {
      name: 'TRUST_PROXY'
      value: ingressAddresses
    }
    {
      name: 'LOG_LEVEL'
      value: logLevel
    }
    {
      name: 'OTEL_EXPORTER_OTLP_ENDPOINT'
      value: tracesEndpoint
    }
  ],
  empty(redisSecretUrl) ? [] : [
    {
      name: 'REDIS_URL'
      secretRef: 'redis-url'
    }
    {
      name: 'CACHE_ENCRYPTION_KEY'
      secretRef: 'cache-encryption-key'
    }
  ]
)

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'mcp-message-center'
  location: location
  tags: union(tags, {
    'azd-env-name': azdEnvironmentName
    'azd-service-name': 'server'
  })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    managedEnvironmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      // A new revision gets traffic once it is ready; then the old one is stopped.
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: port
        transport: 'http'
        allowInsecure: false
        customDomains: empty(customDomain) ? [] : [
          {
            name: customDomain
            bindingType: empty(customDomainCertificateId) ? 'Disabled' : 'SniEnabled'
            certificateId: empty(customDomainCertificateId) ? null : customDomainCertificateId
          }
        ]
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
      secrets: secrets
    }
    template: {
      // The server takes 25 s at most to finish its calls (src/server.ts).
      terminationGracePeriodSeconds: 30
      containers: [
        {
          name: 'server'
          image: image
          env: env
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          probes: [
            {
              // On a quarter of a core the start takes several seconds.
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: port
              }
              // The threshold is 10 at most.
              periodSeconds: 5
              failureThreshold: 10
            }
            {
              // Under overload a probe's connection is queued too: restart only after a minute.
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: port
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 6
            }
            {
              // Without the tenant's signing keys no caller can be authenticated.
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: port
              }
              periodSeconds: 2
              timeoutSeconds: 2
              failureThreshold: 2
            }
          ]
        }
      ]
      scale: {
        minReplicas: int(minReplicas)
        maxReplicas: int(maxReplicas)
        rules: [
          {
            name: 'calls'
            http: {
              metadata: {
                // Calls mostly wait for Graph, so a replica carries many at a time.
                concurrentRequests: '50'
              }
            }
          }
        ]
      }
    }
  }
}
