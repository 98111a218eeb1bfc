// Decides requests as IAM does. In, on stdin: {policies: {name: {kind, document}}, questions: [{principal, action,
// resource, account, context, identity: [name], boundary: name or null, resource_policy: name or null}]}.
// Out: a decision for each question, in their order. What the simulator cannot evaluate ends the run.
import { readFileSync } from "node:fs";
import {
  createValidatedPolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
} from "@cloud-copilot/iam-policy";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const { policies, questions } = JSON.parse(readFileSync(0, "utf8"));
const allowAll = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
const organisation = { orgIdentifier: "r-root", policies: [{ name: "FullAWSAccess", policy: allowAll }] };

// Once a policy, not once a question: that is most of the time.
const validators = { identity: validateIdentityPolicy, resource: validateResourcePolicy };
const validated = Object.fromEntries(
  Object.entries(policies).map(([name, { kind, document }]) => [
    name,
    createValidatedPolicy(document, validators[kind], { name }),
  ]),
);
const named = (name) => ({ name, policy: validated[name] });

async function decide(question) {
  const { principal, action, resource, account, context, identity, boundary, resource_policy } = question;
  const found = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: identity.map(named),
      permissionBoundaryPolicies: boundary === null ? undefined : [named(boundary)],
      resourcePolicy: resource_policy === null ? undefined : validated[resource_policy],
      serviceControlPolicies: [organisation],
      resourceControlPolicies: [],
    },
    { simulationMode: "Strict" },
  );
  if (found.resultType !== "single") {
    throw new Error(JSON.stringify({ question, found }));
  }
  return { decision: found.overallResult, ignored: found.result.ignoredContextKeys ?? [] };
}

const decided = [];
for (const question of questions) {
  decided.push(await decide(question));
}
process.stdout.write(JSON.stringify(decided));
