// Sales Actions is a self-hosted workspace of people and activity for a sales
// team, kept in step with Marketo and Salesforce.
package main

func main() {}
