// Application code that uses the generated types. It does not compile if a type is too general.

import type { ResultOf } from "@graphql-typed-document-node/core";
import { CompaniesDocument, DraftsDocument, MonthsDocument, WriteDocument } from "./operations.js";
import type { OutreachDraft, QueryNodeArgs } from "./schema.js";

/** True if two types are identical; `any` is identical only to itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const holds = <_Proof extends true>() => {};

type Company = ResultOf<typeof CompaniesDocument>["companies"]["nodes"][number];
holds<Same<Company["name"], string>>();
holds<Same<Company["prospects"]["nodes"][number]["fullName"], string>>();

holds<Same<Company["industry"]["name"], string>>();

type Month = ResultOf<typeof MonthsDocument>["interactions"]["groups"]["nodes"][number];
holds<Same<Month["aggregate"]["count"], number>>();
holds<Same<NonNullable<Month["key"]["interactionDate"]>, string>>();

type Written = ResultOf<typeof WriteDocument>["createOutreachDraft"];
holds<Same<Written["userErrors"][number]["message"], string>>();

type Event = ResultOf<typeof DraftsDocument>["outreachDraftCreated"];
holds<Same<Event["cursor"], string>>();

holds<Same<OutreachDraft["createdAt"], string>>();
holds<Same<OutreachDraft["metadata"], unknown>>();
holds<Same<QueryNodeArgs["id"], string>>();
