// The server. `env` is its configuration; secrets come from the vault.
param name string
param location string
param tags object
param environmentId string
param identityId string
param identityClientId string
param registryServer string
param image string
param sealKeySecretUrl string
param cacheKeySecretUrl string
param redisSecretUrl string
param graphTenantId string
param graphClientId string
param publicBaseUrl string
param redirectUris string
param ingressAddresses string
param logLevel string
param tracesEndpoint string
param minReplicas int
param maxReplicas int
param customDomain string
param customDomainCertificateId string

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
  name: name
  location: location
  tags: tags
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
              periodSeconds: 1
              failureThreshold: 60
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
        minReplicas: minReplicas
        maxReplicas: maxReplicas
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
