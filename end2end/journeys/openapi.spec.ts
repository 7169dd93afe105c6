// What the demo API says of itself is OpenAPI, as others read it.
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "../support/portal";

test("the demo API's description is valid, and leads to nothing that is not there", async ({ request }) => {
  const answer = await request.get("/api/openapi.json");
  expect(answer.headers()["content-type"]).toBe("application/json");
  const validator = new Validator();
  const { valid, errors } = await validator.validate(await answer.json());
  expect(valid, JSON.stringify(errors)).toBe(true);
  expect(validator.version).toBe("3.1");
  expect(() => validator.resolveRefs()).not.toThrow();
});
