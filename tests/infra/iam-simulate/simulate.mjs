// Reads a JSON list of {policy, action, resource, context} and prints iam-simulate's decision of each.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const accountId = '123456789012'
const principal = `arn:aws:iam::${accountId}:role/simulated`
const keyPolicy = {
  // As in infra/storage.yaml: access to the key is granted by the policies of the roles.
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' }]
}

const decisions = []
for (const { policy, action, resource, context } of JSON.parse(readFileSync(0, 'utf8'))) {
  const simulation = {
    request: { principal, action, resource: { resource, accountId }, contextVariables: context },
    identityPolicies: [{ name: 'policy', policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(action.startsWith('kms:') ? { resourcePolicy: keyPolicy } : {})
  }
  const result = await runSimulation(simulation, {})
  if (result.resultType === 'error') {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(result.errors)}`)
  }
  decisions.push(result.overallResult)
}
console.log(JSON.stringify(decisions))
