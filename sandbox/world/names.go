package world

// cast are the people whom tests, the demo and the documents know by name.
var cast = [][FieldCount]string{
	{FirstName: "Ada", LastName: "Lovelace", Email: "ada@acme.example", Company: "Acme", Title: "Head of Analytics", Phone: "+44 20 7946 0001", LinkedIn: "https://www.linkedin.com/in/ada", Source: "Web", ContactID: SalesforceID("003", 1), AccountID: SalesforceID("001", 1), OpportunityID: SalesforceID("006", 1), OwnerID: SalesforceID("005", 1), Type: "Contact"},
	{FirstName: "伟", LastName: "王", Email: "wang.wei@beijing.example", Company: "北京科技", Title: "总经理", Phone: "+86 10 5555 0002", Source: "Event", ContactID: SalesforceID("003", 2), AccountID: SalesforceID("001", 2), OwnerID: SalesforceID("005", 2), Type: "Contact"},
	{FirstName: "Zoë", LastName: "Ångström", Email: "zoe@uppsala.example", Company: "Uppsala Ljus AB", Title: "Inköpschef", Phone: "+46 18 555 003", Source: "Referral", LeadID: SalesforceID("00Q", 3), OwnerID: SalesforceID("005", 1), Type: "Lead"},
	{FirstName: "Grace", LastName: "Hopper", Email: "grace@navy.example", Company: "Navy Systems", Title: "Rear Admiral", Phone: "+1 555 0104", Source: "Partner", ContactID: SalesforceID("003", 4), AccountID: SalesforceID("001", 4), OwnerID: SalesforceID("005", 3), Type: "Contact"},
	{FirstName: "No", LastName: "Owner", Email: "no.owner@example.com", Company: "Nobody's", Title: "Visitor", Source: "Web"},
	{FirstName: "Ada", LastName: "King", Email: "ada@acme.example", Company: "Acme", Title: "Countess", Source: "Web", ContactID: SalesforceID("003", 6), AccountID: SalesforceID("001", 1), OwnerID: SalesforceID("005", 1), Type: "Contact"},
	{FirstName: "Jennifer", LastName: "null", Email: "jennifer.null@example.com", Company: "Null & Sons", Source: "Web", LeadID: SalesforceID("00Q", 7), OwnerID: SalesforceID("005", 2), Type: "Lead"},
	{FirstName: "Фёдор", LastName: "Достоевский", Email: "fedor@spb.example", Company: "Невский проспект", Title: "Писатель", Source: "Event", ContactID: SalesforceID("003", 8), AccountID: SalesforceID("001", 8), OwnerID: SalesforceID("005", 4), Type: "Contact"},
}

type language struct{ first, last []string }

var languages = []language{
	{[]string{"Emma", "Liam", "Olivia", "Noah", "Sophia", "James", "Mia", "Lucas", "Amelia", "Henry", "Maria", "Anna"}, []string{"Smith", "Johnson", "Brown", "Taylor", "Wilson", "Clark", "Hall", "Young", "King", "Wright", "Baker", "Adams"}},
	{[]string{"Jürgen", "Käthe", "Björn", "Günther", "Hannelore", "Anna"}, []string{"Müller", "Größe", "Schröder", "Weiß", "Köhler", "Jäger"}},
	{[]string{"François", "Élodie", "Zoé", "Noël", "Chloé"}, []string{"Lefèvre", "Dubois", "Garçon", "Bélanger", "Forêt"}},
	{[]string{"José", "Lucía", "Iñaki", "Begoña", "María"}, []string{"Núñez", "García", "Ibáñez", "Peña", "López"}},
	{[]string{"Łukasz", "Małgorzata", "Zdzisław", "Błażej"}, []string{"Wójcik", "Kowalski", "Żuk", "Łapiński"}},
	{[]string{"伟", "芳", "娜", "敏", "静", "磊"}, []string{"王", "李", "张", "刘", "陈", "杨"}},
	{[]string{"太郎", "花子", "さくら", "健太"}, []string{"佐藤", "鈴木", "高橋", "田中"}},
	{[]string{"Иван", "Ольга", "Сергей", "Наталья"}, []string{"Иванов", "Петрова", "Смирнов", "Кузнецова"}},
	{[]string{"محمد", "فاطمة", "علي"}, []string{"الحسن", "المصري", "الخطيب"}},
	{[]string{"민준", "서연", "지훈"}, []string{"김", "이", "박"}},
}

var (
	companyNames = []string{"Acme", "Globex", "Initech", "Umbrella", "Soylent", "Hooli", "Stark", "Wayne", "Wonka", "Tyrell", "Cyberdyne", "Aperture", "Vandelay", "Dunder", "Prestige", "Nakatomi", "北方", "Société", "Bürobedarf", "Østfold"}
	companyKinds = []string{"Systems", "Industries", "Labs", "Partners", "Group", "Holding", "Logistics", "Energy", "Foods", "Media", "GmbH", "S.A.", "AB", "Ltd.", "Inc."}
	titles       = []string{"Chief Executive Officer", "VP Sales", "VP Marketing", "Head of Procurement", "Engineer", "Analyst", "Buyer", "Director of Operations", "Consultant", "Office Manager"}
	sources      = []string{"Web", "Event", "Referral", "Partner", "Advertisement", "Webinar", "Cold Call", "List Import"}
	domains      = []string{"example.com", "example.org", "example.net", "mail.example", "corp.example"}
)
