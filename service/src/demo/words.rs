//! Vocabulary of the demo data. All hosts end in `.example`, a reserved top-level domain.

pub(super) const INDUSTRIES: [&str; 12] = [
    "Automotive",
    "Banking",
    "Construction",
    "Education",
    "Energy",
    "Food & Beverage",
    "Healthcare",
    "Logistics",
    "Machinery",
    "Retail",
    "Software",
    "Tourism",
];

/// A solution: name, category, pricing, description, use cases, keywords, matching industries.
type Solution = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    [&'static str; 2],
    [&'static str; 3],
    &'static [usize],
);

pub(super) const SOLUTIONS: [Solution; 12] = [
    (
        "Route Planner",
        "Operations",
        "per vehicle",
        "Plans tours that keep their time windows.",
        ["last mile", "depot runs"],
        ["tour", "fleet", "delivery"],
        &[7, 5, 9],
    ),
    (
        "Shelf Vision",
        "Analytics",
        "per store",
        "Sees empty shelves before customers do.",
        ["out of stock", "planograms"],
        ["camera", "shelf", "retail"],
        &[9, 5],
    ),
    (
        "Claims Desk",
        "Service",
        "per seat",
        "Takes a claim from call to payment in one place.",
        ["claims", "complaints"],
        ["claims", "workflow", "service"],
        &[1, 6],
    ),
    (
        "Line Watch",
        "Operations",
        "per line",
        "Tells days ahead which machine will stop.",
        ["maintenance", "quality"],
        ["sensor", "uptime", "predictive"],
        &[0, 8, 5],
    ),
    (
        "Meter Cloud",
        "Platform",
        "per meter",
        "Collects meter readings and bills from them.",
        ["billing", "load profiles"],
        ["meter", "grid", "billing"],
        &[4],
    ),
    (
        "Ward Board",
        "Service",
        "per bed",
        "Shows every ward who is where and what comes next.",
        ["bed planning", "handover"],
        ["ward", "nursing", "planning"],
        &[6],
    ),
    (
        "Course Studio",
        "Platform",
        "per learner",
        "Makes courses out of what a company knows.",
        ["onboarding", "compliance"],
        ["learning", "course", "training"],
        &[3, 10, 6],
    ),
    (
        "Site Diary",
        "Operations",
        "per site",
        "Keeps the diary of a building site by voice.",
        ["documentation", "defects"],
        ["building", "diary", "voice"],
        &[2],
    ),
    (
        "Guest Loop",
        "Marketing",
        "per room",
        "Brings guests back by asking them at the right time.",
        ["reviews", "rebooking"],
        ["guest", "review", "hotel"],
        &[11],
    ),
    (
        "Deal Radar",
        "Analytics",
        "per seat",
        "Finds accounts that are about to buy.",
        ["prospecting", "scoring"],
        ["sales", "intent", "signals"],
        &[10, 1, 8],
    ),
    (
        "Ledger Link",
        "Platform",
        "per entity",
        "Closes the books of ten companies in a day.",
        ["consolidation", "audit"],
        ["finance", "close", "audit"],
        &[1, 2, 9],
    ),
    (
        "Cold Chain Eye",
        "Operations",
        "per sensor",
        "Proves that nothing has thawed on the way.",
        ["transport", "storage"],
        ["temperature", "sensor", "proof"],
        &[5, 7, 6],
    ),
];

/// An event: type, description, city, target role, target industries, presented solutions.
type Event = (&'static str, &'static str, usize, &'static str, [usize; 2], [usize; 2]);

pub(super) const EVENTS: [Event; 12] = [
    (
        "conference",
        "Days of logistics: tours, depots, last mile.",
        0,
        "Head of Logistics",
        [7, 9],
        [0, 11],
    ),
    ("trade fair", "Spring fair for machines and plants.", 1, "Plant Manager", [8, 0], [3, 9]),
    ("webinar", "Closing the books faster: three companies tell.", 2, "CFO", [1, 2], [10, 2]),
    ("conference", "Hospitals in motion.", 3, "Head of Nursing", [6, 3], [5, 6]),
    (
        "round table",
        "Grid operators among themselves.",
        4,
        "Head of Grid Operations",
        [4, 8],
        [4, 3],
    ),
    ("trade fair", "Food and drink, from field to shelf.", 0, "Head of Quality", [5, 9], [11, 1]),
    ("webinar", "What your shelves would say if they could.", 5, "Store Manager", [9, 5], [1, 0]),
    ("conference", "Builders' congress.", 6, "Site Manager", [2, 4], [7, 10]),
    ("workshop", "A course in a day.", 7, "Head of Training", [3, 10], [6, 9]),
    ("conference", "Berlin software fair.", 0, "CTO", [10, 1], [9, 6]),
    ("trade fair", "Hosts and guests.", 8, "Hotel Manager", [11, 9], [8, 1]),
    ("round table", "Cars after the combustion engine.", 9, "Head of Production", [0, 4], [3, 4]),
];

pub(super) const CITIES: [&str; 24] = [
    "Berlin",
    "Hannover",
    "Wien",
    "Zürich",
    "Hamburg",
    "Paris",
    "München",
    "Amsterdam",
    "Barcelona",
    "Stuttgart",
    "Köln",
    "Graz",
    "Lyon",
    "Milano",
    "Praha",
    "Warszawa",
    "København",
    "Oslo",
    "Stockholm",
    "Helsinki",
    "Dublin",
    "London",
    "Bruxelles",
    "Lisboa",
];

pub(super) const COMPANY_FIRST: [&str; 50] = [
    "Nordwind", "Alster", "Falke", "Lindner", "Aurora", "Blau", "Castor", "Delta", "Eiger", "Feld",
    "Granit", "Hansa", "Iris", "Juno", "Krone", "Lumen", "Merkur", "Nova", "Orion", "Pegasus",
    "Quarz", "Rhein", "Sonnen", "Titan", "Ulmen", "Vega", "Weser", "Xenon", "Ypsilon", "Zeder",
    "Adler", "Birken", "Cirrus", "Donau", "Elbe", "Forum", "Globus", "Horizont", "Isar", "Jade",
    "Kiefer", "Lotus", "Main", "Neckar", "Oder", "Polar", "Quelle", "Ruhr", "Saturn", "Tauber",
];

/// Second part of a company name, and the industry it suggests.
pub(super) const COMPANY_SECOND: [(&str, usize); 20] = [
    ("Logistics", 7),
    ("Software", 10),
    ("Klinik", 6),
    ("Bank", 1),
    ("Bau", 2),
    ("Energie", 4),
    ("Maschinen", 8),
    ("Markt", 9),
    ("Hotels", 11),
    ("Motoren", 0),
    ("Foods", 5),
    ("Akademie", 3),
    ("Cargo", 7),
    ("Systems", 10),
    ("Pharma", 6),
    ("Kapital", 1),
    ("Netze", 4),
    ("Technik", 8),
    ("Stores", 9),
    ("Reisen", 11),
];

pub(super) const SIZES: [&str; 5] = ["1-10", "11-50", "51-250", "251-1000", "1000+"];

pub(super) const FIRST_NAMES: [&str; 48] = [
    "Anna", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Katrin",
    "Lukas", "Mia", "Nils", "Olga", "Paul", "Quirin", "Rosa", "Stefan", "Tara", "Ulrich", "Vera",
    "Wim", "Xenia", "Yusuf", "Zoë", "Amélie", "Björn", "Chiara", "Dilan", "Emil", "Frida", "Georg",
    "Hanna", "Ivan", "Jana", "Karim", "Léa", "Marta", "Noah", "Otto", "Petra", "Rafael", "Søren",
    "Tomáš", "Ursula", "Viktor", "Wanda",
];

pub(super) const LAST_NAMES: [&str; 60] = [
    "Müller",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Meyer",
    "Wagner",
    "Becker",
    "Schulz",
    "Hoffmann",
    "Koch",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Braun",
    "Krüger",
    "Hartmann",
    "Lange",
    "Krause",
    "Lehmann",
    "Köhler",
    "Maier",
    "Jansen",
    "de Vries",
    "Novák",
    "Kowalski",
    "Nielsen",
    "Hansen",
    "Larsen",
    "Virtanen",
    "Murphy",
    "Smith",
    "Jones",
    "Taylor",
    "Martin",
    "Bernard",
    "Dubois",
    "Laurent",
    "Rossi",
    "Ferrari",
    "Bianchi",
    "Silva",
    "Santos",
    "García",
    "Fernández",
    "López",
    "Yılmaz",
    "Kaya",
    "Demir",
    "Horvat",
    "Nagy",
    "Popescu",
    "Ivanova",
    "Petrov",
    "Öztürk",
    "O'Brien",
    "Lindqvist",
    "Østergaard",
];

/// Interactions: kind, subject, content.
pub(super) const INTERACTIONS: [(&str, &str, &str); 8] = [
    ("email", "First words", "Introduced ourselves and asked what keeps them busy this year."),
    ("email", "Follow-up", "Sent the case study and asked for half an hour next week."),
    (
        "call",
        "Call about needs",
        "They lose a day a month to planning by hand; the board wants it gone.",
    ),
    ("call", "No time now", "Asked us to come back after the budget round."),
    ("meeting", "Demo", "Showed the product on their own figures; two colleagues joined."),
    ("meeting", "Met at the stand", "Talked at the stand, swapped cards, promised a price list."),
    ("linkedin", "Message", "Answered our message with a question about references."),
    ("email", "Offer", "Sent an offer for the pilot: three months, one site."),
];

pub(super) const SENTIMENTS: [Option<&str>; 5] =
    [Some("positive"), Some("neutral"), None, Some("neutral"), Some("negative")];

pub(super) const OUTCOMES: [Option<&str>; 6] = [
    None,
    Some("meeting agreed"),
    None,
    Some("asked for an offer"),
    Some("no interest at the moment"),
    Some("referred to a colleague"),
];

/// Drafts: kind, and content with the placeholders `{name}`, `{company}` and `{solution}`.
pub(super) const DRAFTS: [(&str, &str); 4] = [
    (
        "initial",
        "Dear {name},\n\nat {company} you surely know the days that planning eats. {solution} gives them back. Would half an hour next week suit you?",
    ),
    (
        "follow_up",
        "Dear {name},\n\nI promised you figures: companies like {company} have paid for {solution} within seven months. Shall we look at yours?",
    ),
    (
        "event_invitation",
        "Dear {name},\n\nwe show {solution} at our stand and would like to have {company} there. May I send you a ticket?",
    ),
    (
        "reply",
        "Dear {name},\n\nthank you for your question. Yes, {solution} runs beside what {company} has today; nothing needs to be replaced.",
    ),
];

pub(super) const MODELS: [(&str, f64, f64); 3] =
    [("small-2026", 0.25, 1.25), ("medium-2026", 3.0, 15.0), ("large-2026", 15.0, 75.0)];

pub(super) const WORKFLOWS: [(&str, &str); 4] = [
    ("prospect_research", "collect"),
    ("prospect_research", "summarise"),
    ("outreach", "draft"),
    ("outreach", "review"),
];
