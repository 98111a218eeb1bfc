// Decides requests as IAM does. In, on stdin: {policies: {name: {kind, document}}, questions: [{principal, action,
// resource, account, context, identity: [name], boundary: name or null, resource_policy: name or null}]}.
// A policy of the kind trust says who may take a role; its principal is the issuer of the token.
// Out: a decision for each question, in their order. What the simulator cannot evaluate ends the run.
import { readFileSync } from "node:fs";
import {
  createValidatedPolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateTrustPolicy,
} from "@cloud-copilot/iam-policy";
import { runSimulation, runUnsafeSimulation } from "@cloud-copilot/iam-simulate";

const { policies, questions } = JSON.parse(readFileSync(0, "utf8"));
const allowAll = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const organisation = { orgIdentifier: "r-root", policies: [{ name: "FullAWSAccess", policy: allowAll }] };

// Once a policy, not once a question: that is most of the time.
const validators = { identity: validateIdentityPolicy, resource: validateResourcePolicy, trust: validateTrustPolicy };
const validated = Object.fromEntries(
  Object.entries(policies).map(([name, { kind, document }]) => [
    name,
    createValidatedPolicy(document, validators[kind], { name }),
  ]),
);
const named = (name) => ({ name, policy: validated[name] });

async function decide(question) {
  const { principal, action, resource, account, context, identity, boundary, resource_policy } = question;
  const simulation = {
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
    identityPolicies: identity.map(named),
    permissionBoundaryPolicies: boundary === null ? undefined : [named(boundary)],
    resourcePolicy: resource_policy === null ? undefined : validated[resource_policy],
    serviceControlPolicies: [organisation],
    resourceControlPolicies: [],
  };
  if (resource_policy !== null && policies[resource_policy].kind === "trust") {
    // Strictly, it drops the condition keys that are named after an issuer.
    const { errors } = validated[resource_policy];
    if (errors.length) {
      throw new Error(JSON.stringify({ question, errors }));
    }
    return { decision: runUnsafeSimulation({ ...simulation, resourceControlPolicies: [organisation] }, {}) };
  }
  const found = await runSimulation(simulation, { simulationMode: "Strict" });
  if (found.resultType !== "single") {
    throw new Error(JSON.stringify({ question, found }));
  }
  return { decision: found.overallResult };
}

const decided = [];
for (const question of questions) {
  decided.push(await decide(question));
}
process.stdout.write(JSON.stringify(decided));
